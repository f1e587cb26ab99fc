-- What an upload may take of what its project may keep in all: reserved before the first byte, and gone with the lease.

ALTER TABLE glint_leases ADD COLUMN project VARCHAR(255);
ALTER TABLE glint_leases ADD COLUMN reserved_bytes BIGINT DEFAULT 0 NOT NULL;
CREATE INDEX glint_leases_project ON glint_leases (project);
