-- What the reference's rocky_expand01 adds.

ALTER TABLE images ADD COLUMN os_hidden BOOLEAN DEFAULT false NOT NULL;
CREATE INDEX os_hidden_image_idx ON images (os_hidden);
