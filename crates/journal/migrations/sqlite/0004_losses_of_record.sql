-- What a record lost is asked for over all jobs of its route, which a listing belongs to.
DROP INDEX losses_of_record;
CREATE INDEX losses_of_record ON losses (listing, id, job);
