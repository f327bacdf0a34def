-- Whether a job is left to whichever worker is free.
ALTER TABLE jobs ADD COLUMN queued INTEGER NOT NULL DEFAULT 0;
CREATE INDEX jobs_queued ON jobs (id) WHERE queued AND state IN ('waiting', 'stopped', 'running');
