-- Who may do what. Nobody used at run time may update, delete or truncate the log.

DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['ledger_appender', 'ledger_projector', 'ledger_reader']
    LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
        EXCEPTION
            -- Roles belong to the whole server; another ledger on it may have made them.
            WHEN duplicate_object OR unique_violation THEN NULL;
        END;
        -- Since 16, whoever creates a role may hand it out but not act as it.
        IF NOT pg_has_role(
            current_user,
            role_name,
            CASE WHEN current_setting('server_version_num')::integer >= 160000
                THEN 'SET' ELSE 'MEMBER' END
        ) THEN
            EXECUTE format('GRANT %I TO CURRENT_USER', role_name);
        END IF;
    END LOOP;
END
$$;

REVOKE ALL ON SCHEMA ledger FROM PUBLIC;
GRANT USAGE ON SCHEMA ledger TO ledger_appender, ledger_projector, ledger_reader;

GRANT SELECT
    ON ledger.log, ledger.head, ledger.identity, ledger.encodings, ledger.migrations
    TO ledger_appender, ledger_projector, ledger_reader;
GRANT INSERT ON ledger.log TO ledger_appender;
GRANT UPDATE ON ledger.head TO ledger_appender;

CREATE SCHEMA read_models AUTHORIZATION ledger_projector;
GRANT USAGE ON SCHEMA read_models TO ledger_reader;
SET LOCAL ROLE ledger_projector;
ALTER DEFAULT PRIVILEGES IN SCHEMA read_models GRANT SELECT ON TABLES TO ledger_reader;
RESET ROLE;
