-- What was told of a job when it had ended, so that lists need not ask the journal again. Empty while
-- a job goes on, and as soon as anything of it has changed.
ALTER TABLE parts ADD COLUMN told TEXT;
