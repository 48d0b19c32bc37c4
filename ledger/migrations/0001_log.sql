-- The log and what belongs to it. Nothing here is ever updated but the head.

-- Which ledger this is. The id is part of every hash, so rows of another ledger
-- never pass for ours.
CREATE TABLE ledger.identity (
    only_one     boolean     PRIMARY KEY DEFAULT true CHECK (only_one),
    ledger_id    text        NOT NULL,
    mode         text        NOT NULL CHECK (mode IN ('live', 'test')),
    genesis_hash bytea       NOT NULL CHECK (length(genesis_hash) = 32),
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The dictionaries that stored bodies need, by the number that rows carry.
CREATE TABLE ledger.encodings (
    encoding_id integer PRIMARY KEY,
    name        text    NOT NULL,
    dictionary  bytea   NOT NULL
);

-- One row per event, in the order and with the fields over which the hash is taken.
CREATE TABLE ledger.log (
    framing            smallint    NOT NULL,  -- version of the framing under the hash
    position           bigint      NOT NULL,  -- contiguous from 1: a gap is tampering
    recorded_at        timestamptz NOT NULL,  -- when the log took it; never decreases
    originator_id      text        NOT NULL,  -- evt_…, cmd:…: what makes it unique
    originator_version bigint      NOT NULL,
    topic              text        NOT NULL,  -- what kind of event
    source             text,                  -- who brought it
    account            text,                  -- Stripe customer, or the product's own id
    occurred_at        timestamptz,           -- by the clock of whoever saw it
    stripe_type        text,
    api_version        text,                  -- the version the body was rendered in
    livemode           boolean,
    stripe_account     text,
    object_id          text,                  -- data.object.id
    endpoint           text,                  -- digest of the secret that signed it
    signed_at          timestamptz,
    verdict            text        NOT NULL,  -- accepted, quarantined or foreign
    encoding_id        integer     NOT NULL,  -- 0 is plain, else ledger.encodings
    key_id             text,                  -- key the body is sealed with, if any
    body               bytea       NOT NULL,  -- the exact bytes, encoded
    hash               bytea       NOT NULL,  -- SHA-256 over the hash before and all above
    CONSTRAINT log_id_is_unique PRIMARY KEY (originator_id, originator_version),
    CONSTRAINT log_position_is_unique UNIQUE (position)
) WITH (autovacuum_freeze_max_age = 1000000000);

-- Bodies are compressed before they come here.
ALTER TABLE ledger.log ALTER COLUMN body SET STORAGE EXTERNAL;

CREATE INDEX log_by_account
    ON ledger.log (account, position)
    WHERE verdict = 'accepted' AND account IS NOT NULL;

CREATE INDEX log_by_type
    ON ledger.log (stripe_type, position)
    WHERE stripe_type IS NOT NULL;

-- Both clocks rise with the position, or nearly: a block range is enough to find a time.
CREATE INDEX log_by_time
    ON ledger.log USING brin (recorded_at, occurred_at)
    WITH (pages_per_range = 32, autosummarize = on);

CREATE INDEX log_by_verdict
    ON ledger.log (verdict, position)
    WHERE verdict <> 'accepted';

-- The end of the log. Its row lock is what puts appends in order.
CREATE TABLE ledger.head (
    only_one    boolean     PRIMARY KEY DEFAULT true CHECK (only_one),
    position    bigint      NOT NULL,
    hash        bytea       NOT NULL CHECK (length(hash) = 32),
    recorded_at timestamptz
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
