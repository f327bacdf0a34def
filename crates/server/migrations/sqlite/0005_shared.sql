-- Names of owners are found in small letters, as every database can.
DROP INDEX requests_of_owner;
CREATE INDEX requests_of_owner ON requests (kind, lower(owner), id);

-- `queueing_at` is when somebody began to put a job into the journal, `held_until` until when
-- somebody has something in hand with it that no claim of the journal guards.
ALTER TABLE parts ADD COLUMN queueing_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE parts ADD COLUMN held_until INTEGER NOT NULL DEFAULT 0;
