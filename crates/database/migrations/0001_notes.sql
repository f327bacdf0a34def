CREATE TABLE notes_version (steps BIGINT NOT NULL, salt TEXT NOT NULL);
INSERT INTO notes_version VALUES (0, gen_random_uuid()::text);

-- Not written ahead: a crash empties it, and those who use it fill it again with what they know.
CREATE UNLOGGED TABLE notes (
    name TEXT PRIMARY KEY,
    body TEXT
) WITH (fillfactor = 50);
