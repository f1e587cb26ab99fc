-- The ids of images whose rows were purged: nobody gets one of these for another image. A purge makes this table itself, where
-- nothing of ours is there yet.

CREATE TABLE IF NOT EXISTS glint_purged_images (
    id VARCHAR(36) NOT NULL,
    PRIMARY KEY (id)
);
