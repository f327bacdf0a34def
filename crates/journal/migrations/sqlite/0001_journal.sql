-- Pairs of endpoints, with the options that change what arrives where.
-- Jobs over the same route share its items.
CREATE TABLE routes (
    id INTEGER PRIMARY KEY,
    source_identity TEXT NOT NULL,
    sink_identity TEXT NOT NULL,
    project TEXT NOT NULL,
    target TEXT NOT NULL,
    UNIQUE (source_identity, sink_identity, project, target)
);

CREATE TABLE jobs (
    id INTEGER PRIMARY KEY,
    route INTEGER NOT NULL REFERENCES routes (id),
    spec TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    cancelling INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER
);
CREATE INDEX jobs_of_route ON jobs (route);

-- Who works on a job, and until when. Apart from `jobs`, so that a heartbeat rewrites a few
-- bytes. Without a worker, no claim of the job is good.
CREATE TABLE leases (
    job INTEGER PRIMARY KEY REFERENCES jobs (id),
    epoch INTEGER NOT NULL,
    worker TEXT,
    expires_at INTEGER NOT NULL
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

-- Lanes of a route, numbered so that items stay small; the shared scope is empty.
-- `open_count` fresh records were about to be written under a claim (`open_job`,
-- `open_epoch`); `doubts` counts those of claims that ended before they were settled.
CREATE TABLE listings (
    id INTEGER PRIMARY KEY,
    route INTEGER NOT NULL REFERENCES routes (id),
    scope TEXT NOT NULL,
    kind TEXT NOT NULL,
    open_count INTEGER NOT NULL DEFAULT 0,
    open_job INTEGER NOT NULL DEFAULT 0,
    open_epoch INTEGER NOT NULL DEFAULT 0,
    doubts INTEGER NOT NULL DEFAULT 0,
    UNIQUE (route, scope, kind)
);

-- Where each lane of a job stands, and what it counts.
CREATE TABLE lanes (
    job INTEGER NOT NULL REFERENCES jobs (id),
    listing INTEGER NOT NULL REFERENCES listings (id),
    position TEXT NOT NULL DEFAULT '"start"',
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
    PRIMARY KEY (job, listing)
) WITHOUT ROWID;

-- What each record of a route became. `target` is absent when it equals `id`. An item without a
-- fingerprint was begun and never settled; `created_by` then says that it may have been made.
-- `seen_by` is the last job that settled it. No foreign keys: these are the many rows.
CREATE TABLE items (
    listing INTEGER NOT NULL,
    id TEXT NOT NULL,
    target TEXT,
    fingerprint BLOB,
    created_by INTEGER,
    written_by INTEGER NOT NULL,
    seen_by INTEGER,
    PRIMARY KEY (listing, id)
) WITHOUT ROWID;
CREATE INDEX items_by_target ON items (listing, target) WHERE target IS NOT NULL;

-- `seq` counts from 0 in each job, without gaps, so that a page is found at once.
CREATE TABLE losses (
    job INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    listing INTEGER NOT NULL,
    id TEXT NOT NULL,
    field TEXT NOT NULL,
    cause TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (job, seq)
) WITHOUT ROWID;
CREATE INDEX losses_of_record ON losses (job, listing, id);

-- Without an `origin`, the lane itself failed. `was_read` says that the record counts as read
-- because of this; one that could not be removed was not.
CREATE TABLE failures (
    id INTEGER PRIMARY KEY,
    job INTEGER NOT NULL,
    listing INTEGER NOT NULL,
    origin TEXT,
    was_read INTEGER NOT NULL,
    reason TEXT NOT NULL,
    UNIQUE (job, listing, origin)
);

CREATE TABLE events (
    job INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (job, seq)
) WITHOUT ROWID;
