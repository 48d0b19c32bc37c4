-- Objects are also looked up by their id alone: whose is it? The generations that there
-- are get the index now; those to come are made like read_models.objects.

SET LOCAL ROLE ledger_projector;

CREATE INDEX objects_by_id ON read_models.objects (object);

DO $$
DECLARE
    generation text;
BEGIN
    FOR generation IN
        SELECT tablename
          FROM pg_tables
         WHERE schemaname = 'read_models' AND tablename ~ '_g[0-9]+$'
    LOOP
        EXECUTE format('CREATE INDEX ON read_models.%I (object)', generation);
    END LOOP;
END
$$;

RESET ROLE;
