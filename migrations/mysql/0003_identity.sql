-- The built-in identity of a stand-alone service: who may call, and as whom. What belongs to a user or a project goes
-- with it, and what was proved with something goes with that, so that no token outlives its reason.

CREATE TABLE glint_projects (
    id VARCHAR(32) NOT NULL,
    name VARCHAR(64) NOT NULL,
    created_at DATETIME(6) NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT glint_projects_name UNIQUE (name)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE glint_users (
    id VARCHAR(32) NOT NULL,
    name VARCHAR(255) NOT NULL,
    -- argon2id, in the PHC string format.
    password_hash VARCHAR(255) NOT NULL,
    -- The project of a token that names none.
    default_project_id VARCHAR(32),
    created_at DATETIME(6) NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT glint_users_name UNIQUE (name),
    FOREIGN KEY (default_project_id) REFERENCES glint_projects (id) ON DELETE SET NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What a user was given; the roles that come along with it are in no table.
CREATE TABLE glint_role_assignments (
    user_id VARCHAR(32) NOT NULL,
    project_id VARCHAR(32) NOT NULL,
    role VARCHAR(32) NOT NULL,
    PRIMARY KEY (user_id, project_id, role),
    FOREIGN KEY (user_id) REFERENCES glint_users (id) ON DELETE CASCADE,
    FOREIGN KEY (project_id) REFERENCES glint_projects (id) ON DELETE CASCADE
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE glint_application_credentials (
    id VARCHAR(32) NOT NULL,
    name VARCHAR(255) NOT NULL,
    user_id VARCHAR(32) NOT NULL,
    project_id VARCHAR(32) NOT NULL,
    -- argon2id, in the PHC string format.
    secret_hash VARCHAR(255) NOT NULL,
    -- Role names, separated by commas.
    roles VARCHAR(255) NOT NULL,
    description TEXT,
    unrestricted BOOLEAN NOT NULL,
    created_at DATETIME(6) NOT NULL,
    expires_at DATETIME(6),
    PRIMARY KEY (id),
    CONSTRAINT glint_application_credentials_user_name UNIQUE (user_id, name),
    FOREIGN KEY (user_id) REFERENCES glint_users (id) ON DELETE CASCADE,
    FOREIGN KEY (project_id) REFERENCES glint_projects (id) ON DELETE CASCADE,
    CHECK (unrestricted IN (0, 1))
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE glint_tokens (
    -- SHA-256 of the token, in hex: the token itself is nowhere.
    hash VARCHAR(64) NOT NULL,
    user_id VARCHAR(32) NOT NULL,
    project_id VARCHAR(32),
    application_credential_id VARCHAR(32),
    -- How the bearer proved who it is, separated by commas.
    methods VARCHAR(64) NOT NULL,
    audit_id VARCHAR(32) NOT NULL,
    -- The audit_id of the first token of its chain; none for that one itself.
    chain_id VARCHAR(32),
    issued_at DATETIME(6) NOT NULL,
    expires_at DATETIME(6) NOT NULL,
    PRIMARY KEY (hash),
    FOREIGN KEY (user_id) REFERENCES glint_users (id) ON DELETE CASCADE,
    FOREIGN KEY (project_id) REFERENCES glint_projects (id) ON DELETE CASCADE,
    FOREIGN KEY (application_credential_id) REFERENCES glint_application_credentials (id) ON DELETE CASCADE,
    KEY glint_tokens_user_id_issued_at (user_id, issued_at),
    KEY glint_tokens_application_credential_id (application_credential_id),
    KEY glint_tokens_chain_id (chain_id),
    KEY glint_tokens_expires_at (expires_at)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
