-- Who is at work on a route is asked for each job that may be taken, whatever has ended on it.
CREATE INDEX jobs_at_work ON jobs (route) WHERE state = 'running';
