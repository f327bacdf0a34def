-- Pairs of endpoints; jobs over the same route share its items.
CREATE TABLE routes (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE
);

CREATE TABLE jobs (
    id INTEGER PRIMARY KEY,
    route INTEGER NOT NULL REFERENCES routes (id),
    spec TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    cancelling INTEGER NOT NULL DEFAULT 0,
    worker TEXT,
    epoch INTEGER NOT NULL DEFAULT 0,
    lease_ms INTEGER NOT NULL DEFAULT 0,
    expires_at INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER
);

CREATE TABLE documents (
    job INTEGER NOT NULL REFERENCES jobs (id),
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (job, name)
) WITHOUT ROWID;

CREATE TABLE projects (
    job INTEGER NOT NULL REFERENCES jobs (id),
    source TEXT NOT NULL,
    target TEXT NOT NULL,
    stage TEXT NOT NULL,
    reason TEXT,
    PRIMARY KEY (job, source)
) WITHOUT ROWID;

-- Scopes of a route, numbered so that items stay small; the shared scope has an empty path.
CREATE TABLE scopes (
    id INTEGER PRIMARY KEY,
    route INTEGER NOT NULL REFERENCES routes (id),
    path TEXT NOT NULL,
    UNIQUE (route, path)
);

-- Where each lane of a job stands. `open_count` records were about to be written under
-- `open_epoch`; `interrupted` counts those of a run that died, until they are settled.
CREATE TABLE lanes (
    job INTEGER NOT NULL REFERENCES jobs (id),
    scope INTEGER NOT NULL REFERENCES scopes (id),
    kind TEXT NOT NULL,
    position TEXT NOT NULL DEFAULT '"start"',
    had_items INTEGER NOT NULL,
    open_count INTEGER NOT NULL DEFAULT 0,
    open_epoch INTEGER NOT NULL DEFAULT 0,
    interrupted INTEGER NOT NULL DEFAULT 0,
    source INTEGER,
    n_read INTEGER NOT NULL DEFAULT 0,
    n_created INTEGER NOT NULL DEFAULT 0,
    n_updated INTEGER NOT NULL DEFAULT 0,
    n_adopted INTEGER NOT NULL DEFAULT 0,
    n_unchanged INTEGER NOT NULL DEFAULT 0,
    n_deleted INTEGER NOT NULL DEFAULT 0,
    n_dropped INTEGER NOT NULL DEFAULT 0,
    n_failed INTEGER NOT NULL DEFAULT 0,
    n_losses INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (job, scope, kind)
) WITHOUT ROWID;

-- What each record of a route became. `target` is absent when it equals `id`; an item
-- without a fingerprint was begun and not settled.
CREATE TABLE items (
    scope INTEGER NOT NULL REFERENCES scopes (id),
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    target TEXT,
    fingerprint BLOB,
    created_by INTEGER,
    written_by INTEGER NOT NULL,
    seen_by INTEGER NOT NULL,
    PRIMARY KEY (scope, kind, id)
) WITHOUT ROWID;
CREATE INDEX items_by_target ON items (scope, kind, target) WHERE target IS NOT NULL;

CREATE TABLE losses (
    seq INTEGER PRIMARY KEY,
    job INTEGER NOT NULL REFERENCES jobs (id),
    scope INTEGER NOT NULL REFERENCES scopes (id),
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    field TEXT NOT NULL,
    cause TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX losses_of_job ON losses (job, seq);

CREATE TABLE failures (
    seq INTEGER PRIMARY KEY,
    job INTEGER NOT NULL REFERENCES jobs (id),
    scope INTEGER NOT NULL REFERENCES scopes (id),
    kind TEXT NOT NULL,
    id TEXT,
    reason TEXT NOT NULL
);
CREATE INDEX failures_of_job ON failures (job, seq);

CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    job INTEGER NOT NULL REFERENCES jobs (id),
    at INTEGER NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX events_of_job ON events (job, seq);
