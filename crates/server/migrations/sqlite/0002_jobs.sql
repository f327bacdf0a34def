-- A part is kept before its job is in the journal: until then `job` is empty and `spec` says what
-- shall be put there, so that nothing is forgotten between the two databases. `state` and `began`
-- mirror the journal (its state, and whether there is a plan), so that lists can be filtered and
-- paged here; empty where nobody has looked yet. `wish` is what shall be done with a job that has
-- ended: `resume` or `rollback`. `sealed_target` is as `sealed`, for the destination.
CREATE TABLE parts_of_today (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    request INTEGER NOT NULL REFERENCES requests (id),
    job INTEGER UNIQUE,
    spec TEXT,
    body TEXT NOT NULL,
    sealed BLOB,
    sealed_target BLOB,
    archive TEXT,
    state TEXT NOT NULL DEFAULT '',
    began INTEGER NOT NULL DEFAULT 0,
    wish TEXT,
    settled_at INTEGER
);
INSERT INTO parts_of_today (id, request, job, body, sealed, archive, settled_at)
    SELECT id, request, job, body, sealed, archive, settled_at FROM parts;
DROP TABLE parts;
ALTER TABLE parts_of_today RENAME TO parts;
CREATE INDEX parts_of_request ON parts (request, id);
CREATE INDEX parts_by_state ON parts (state, id);
CREATE INDEX parts_unsettled ON parts (id) WHERE settled_at IS NULL;
CREATE INDEX parts_without_job ON parts (id) WHERE job IS NULL;
CREATE INDEX parts_with_archive ON parts (settled_at) WHERE archive IS NOT NULL;
