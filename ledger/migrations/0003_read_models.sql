-- What projections keep: rows that can be thrown away, and how far they have read.
-- Everything here belongs to the projector and can be rebuilt from the log.

SET LOCAL ROLE ledger_projector;

-- One row per generation of a read model; a rebuild is a new generation beside the live.
CREATE TABLE read_models.bookmarks (
    projection text     NOT NULL,
    generation integer  NOT NULL,            -- its rows stand in <projection>_g<generation>
    version    integer  NOT NULL,            -- of the projection that makes them
    position   bigint   NOT NULL DEFAULT 0,  -- everything up to here is in the rows
    live       boolean  NOT NULL,            -- readers see this one
    starts     integer  NOT NULL DEFAULT 0,  -- of a runner, since the last progress
    CONSTRAINT bookmarks_by_generation PRIMARY KEY (projection, generation)
);

CREATE UNIQUE INDEX bookmarks_one_is_live ON read_models.bookmarks (projection) WHERE live;

-- The shape of every read model's rows.
CREATE TABLE read_models.objects (
    account text  COLLATE "C" NOT NULL,  -- the stream the object belongs to
    object  bytea             NOT NULL,  -- its id there; a product may use any characters
    state   bytea             NOT NULL,  -- msgpack, equal states as equal bytes
    refers  text  COLLATE "C",           -- the account it refers to, if any
    PRIMARY KEY (account, object)
);

CREATE INDEX objects_by_reference ON read_models.objects (refers) WHERE refers IS NOT NULL;

-- Accounts on whose events our code failed. Nothing after *position* is in their rows.
CREATE TABLE read_models.parked (
    projection text        NOT NULL,
    generation integer     NOT NULL,
    account    text        COLLATE "C" NOT NULL,
    position   bigint      NOT NULL,
    error      text        NOT NULL,  -- the class of the error
    message    text        NOT NULL,
    since      timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempts   integer     NOT NULL DEFAULT 1,
    PRIMARY KEY (projection, generation, account)
);

CREATE INDEX parked_by_account ON read_models.parked (account);

-- Events counted before they are handled, while a runner goes carefully.
CREATE TABLE read_models.suspects (
    projection text    NOT NULL,
    generation integer NOT NULL,
    account    text    COLLATE "C" NOT NULL,
    position   bigint  NOT NULL,
    attempts   integer NOT NULL DEFAULT 1,
    PRIMARY KEY (projection, generation, account, position)
);

-- Stripe's types that no translator reads, and how many events of each were passed over.
CREATE TABLE read_models.untranslated (
    projection  text    NOT NULL,
    generation  integer NOT NULL,
    stripe_type text    COLLATE "C" NOT NULL,
    events      bigint  NOT NULL,
    PRIMARY KEY (projection, generation, stripe_type)
);

RESET ROLE;
