-- What an upload may take of what its project may keep in all: reserved before the first byte, and gone with the lease.

ALTER TABLE glint_leases
    ADD COLUMN project VARCHAR(255),
    ADD COLUMN reserved_bytes BIGINT DEFAULT 0 NOT NULL,
    ADD KEY glint_leases_project (project);
