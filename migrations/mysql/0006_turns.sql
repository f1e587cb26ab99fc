-- Whose turn it is: whoever writes what it does by what it finds counts a row up first, which stands for what it looks at.
-- The nodes of Galera do not know each other's locks, but of two that changed one row at the same time only one commits.

CREATE TABLE glint_turns (
    place INTEGER NOT NULL,
    turn BIGINT NOT NULL,
    PRIMARY KEY (place)
) ENGINE = InnoDB;
