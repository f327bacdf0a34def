-- Who asked for a job stands with it too, so that lists of jobs are read from one index.
ALTER TABLE parts ADD COLUMN user TEXT NOT NULL DEFAULT '';
UPDATE parts SET user = (SELECT requests.user FROM requests WHERE requests.id = parts.request);
DROP INDEX parts_by_state;
CREATE INDEX parts_by_state ON parts (state, id);
CREATE INDEX parts_of_user ON parts (user, id);
CREATE INDEX parts_of_user_by_state ON parts (user, state, id);

-- How far a job was at moments of its run: records read and carried, bytes of repositories and
-- files. Thinned out as the run goes on, so that a job has a few hundred at most.
CREATE TABLE samples (
    job INTEGER NOT NULL,
    at INTEGER NOT NULL,
    n_read INTEGER NOT NULL,
    n_carried INTEGER NOT NULL,
    n_failed INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (job, at)
) WITHOUT ROWID;

-- Ends of jobs that somebody elsewhere wants to hear of and has not heard of yet.
CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    job INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    next_at INTEGER NOT NULL
);
CREATE INDEX deliveries_by_time ON deliveries (next_at);
