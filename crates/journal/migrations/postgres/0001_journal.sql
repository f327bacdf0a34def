-- How many steps of the schema have been taken.
CREATE TABLE schema_version (steps BIGINT NOT NULL);
INSERT INTO schema_version VALUES (1);

-- Pairs of endpoints, with the options that change what arrives where.
-- Jobs over the same route share its items.
CREATE TABLE routes (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source_identity TEXT NOT NULL,
    sink_identity TEXT NOT NULL,
    project TEXT NOT NULL,
    target TEXT NOT NULL,
    UNIQUE (source_identity, sink_identity, project, target)
);

-- `queued` jobs are left to whichever worker is free.
CREATE TABLE jobs (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    route BIGINT NOT NULL REFERENCES routes (id),
    spec TEXT NOT NULL,
    queued BOOLEAN NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    cancelling BOOLEAN NOT NULL DEFAULT FALSE,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    ended_at BIGINT
);
CREATE INDEX jobs_of_route ON jobs (route);
CREATE INDEX jobs_at_work ON jobs (route) WHERE state = 'running';
CREATE INDEX jobs_to_take ON jobs (id) WHERE queued AND state IN ('waiting', 'stopped', 'running');

-- Who works on a job, and until when. Apart from `jobs`, so that a heartbeat rewrites a few
-- bytes. Without a worker, no claim of the job is good.
CREATE TABLE leases (
    job BIGINT PRIMARY KEY REFERENCES jobs (id),
    epoch BIGINT NOT NULL,
    worker TEXT,
    expires_at BIGINT NOT NULL
);

CREATE TABLE documents (
    job BIGINT NOT NULL REFERENCES jobs (id),
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (job, name)
);

CREATE TABLE projects (
    job BIGINT NOT NULL REFERENCES jobs (id),
    source TEXT NOT NULL,
    target TEXT NOT NULL,
    stage TEXT NOT NULL,
    reason TEXT,
    PRIMARY KEY (job, source)
);

-- Lanes of a route, numbered so that items stay small; the shared scope is empty.
-- `open_count` records are being written under a claim (`open_job`, `open_epoch`); `doubts`
-- counts those of claims that ended before they were settled.
CREATE TABLE listings (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    route BIGINT NOT NULL REFERENCES routes (id),
    scope TEXT NOT NULL,
    kind TEXT NOT NULL,
    open_count BIGINT NOT NULL DEFAULT 0,
    open_job BIGINT NOT NULL DEFAULT 0,
    open_epoch BIGINT NOT NULL DEFAULT 0,
    doubts BIGINT NOT NULL DEFAULT 0,
    UNIQUE (route, scope, kind)
);

-- Where each lane of a job stands, and what it counts.
CREATE TABLE lanes (
    job BIGINT NOT NULL REFERENCES jobs (id),
    listing BIGINT NOT NULL REFERENCES listings (id),
    position TEXT NOT NULL DEFAULT '"start"',
    source BIGINT,
    n_read BIGINT NOT NULL DEFAULT 0,
    n_created BIGINT NOT NULL DEFAULT 0,
    n_updated BIGINT NOT NULL DEFAULT 0,
    n_adopted BIGINT NOT NULL DEFAULT 0,
    n_unchanged BIGINT NOT NULL DEFAULT 0,
    n_deleted BIGINT NOT NULL DEFAULT 0,
    n_dropped BIGINT NOT NULL DEFAULT 0,
    n_failed BIGINT NOT NULL DEFAULT 0,
    n_losses BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (job, listing)
);

-- What each record of a route became. `target` is absent when it equals `id`. An item without a
-- fingerprint was begun and never settled; `created_by` then says that it may have been made.
-- `seen_by` is the last job that settled it. No foreign keys: these are the many rows. Ids are
-- bytes: a host may have any character in them, and order must not depend on a language.
CREATE TABLE items (
    listing BIGINT NOT NULL,
    id BYTEA NOT NULL,
    target BYTEA,
    fingerprint BYTEA,
    created_by BIGINT,
    written_by BIGINT NOT NULL,
    seen_by BIGINT,
    PRIMARY KEY (listing, id)
);
CREATE INDEX items_by_target ON items (listing, target) WHERE target IS NOT NULL;

-- `seq` counts from 0 in each job, without gaps, so that a page is found at once.
CREATE TABLE losses (
    job BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    listing BIGINT NOT NULL,
    id BYTEA NOT NULL,
    field TEXT NOT NULL,
    cause TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (job, seq)
);
CREATE INDEX losses_of_record ON losses (job, listing, id);

-- Without an `origin`, the lane itself failed. `was_read` says that the record counts as read
-- because of this; one that could not be removed was not.
CREATE TABLE failures (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job BIGINT NOT NULL,
    listing BIGINT NOT NULL,
    origin BYTEA,
    was_read BOOLEAN NOT NULL,
    reason TEXT NOT NULL,
    UNIQUE (job, listing, origin)
);

CREATE TABLE events (
    job BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (job, seq)
);
