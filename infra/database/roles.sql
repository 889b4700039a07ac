-- The two roles of an installation, in its database. Run as a superuser (or as whoever may make roles), in the database
-- that fabroute is to use, before the first `fabroute migrate`; and again whenever you like: it only adds what is missing.
--
--   psql -d fabroute -f infra/database/roles.sql
--
-- fabroute_owner owns the tables: `fabroute migrate`, backup and restore connect as it (FABROUTE_MIGRATION_DATABASE_URL).
-- app_rw serves and works (FABROUTE_DATABASE_URL): it owns nothing, is bound by row-level security, and can only add to
-- the audit log. Passwords are set by whoever runs this: ALTER ROLE app_rw PASSWORD '…'.

DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'fabroute_owner') THEN
    CREATE ROLE fabroute_owner LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'app_rw') THEN
    CREATE ROLE app_rw LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
  END IF;
  EXECUTE format('ALTER DATABASE %I OWNER TO fabroute_owner', current_database());
  EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO app_rw', current_database());
END $$;

CREATE EXTENSION IF NOT EXISTS plpgsql;

GRANT CREATE, USAGE ON SCHEMA public TO fabroute_owner;
GRANT USAGE ON SCHEMA public TO app_rw;

-- Tables to come.
ALTER DEFAULT PRIVILEGES FOR ROLE fabroute_owner IN SCHEMA public
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO app_rw;
ALTER DEFAULT PRIVILEGES FOR ROLE fabroute_owner IN SCHEMA public
  GRANT USAGE ON SEQUENCES TO app_rw;

-- Tables that are there.
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app_rw;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO app_rw;
DO $$ BEGIN
  IF to_regclass('public.audit_entries') IS NOT NULL THEN
    REVOKE UPDATE, DELETE, TRUNCATE ON audit_entries FROM app_rw;
  END IF;
  IF to_regclass('public.audit_seals') IS NOT NULL THEN
    REVOKE UPDATE, DELETE, TRUNCATE ON audit_seals, audit_roots FROM app_rw;
  END IF;
  IF to_regclass('public.feed_breaks') IS NOT NULL THEN
    REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON feed_breaks FROM app_rw;
  END IF;
END $$;
