-- What was read out of the log, kept so that read models can be made anew without reading
-- it all again. Derived: it may be emptied at any time, and nothing but time is lost.

SET LOCAL ROLE ledger_projector;

CREATE TABLE read_models.facts (
    interpreter bytea    NOT NULL,  -- digest of the code that read them
    bucket      smallint NOT NULL,  -- which accounts
    block       integer  NOT NULL,  -- which stretch of positions, all of one length
    log_hash    bytea    NOT NULL,  -- the chain's hash at its last position
    digest      bytea    NOT NULL,  -- SHA-256 over all of these
    facts       bytea    NOT NULL,  -- packed and compressed
    CONSTRAINT facts_by_bucket PRIMARY KEY (interpreter, bucket, block)
);

-- They are compressed before they come here.
ALTER TABLE read_models.facts ALTER COLUMN facts SET STORAGE EXTERNAL;

RESET ROLE;
