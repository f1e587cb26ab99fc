-- Who is at work on an image's bytes right now. A row is renewed while its worker lives; when it runs out, whoever
-- finds it undoes an upload (image back to queued, bytes removed), finishes a deletion or a removal, or takes an adoption up again.

CREATE TABLE glint_leases (
    image_id VARCHAR(36) NOT NULL,
    -- 'upload', 'delete', 'remove' or 'adopt'.
    purpose VARCHAR(16) NOT NULL,
    -- The node that works on it.
    holder VARCHAR(255) NOT NULL,
    -- Tells this piece of work from an earlier one of the same node.
    token VARCHAR(36) NOT NULL,
    -- The store that an upload goes to.
    store VARCHAR(255) NOT NULL,
    expires_at DATETIME(6) NOT NULL,
    PRIMARY KEY (image_id),
    KEY glint_leases_expires_at (expires_at)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
