#!/bin/sh
# Run once by the PostgreSQL container when its volume is empty: the roles, and their passwords out of files.
set -eu
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --file /fabroute/roles.sql
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
  --set owner="$(cat /run/secrets/postgres_owner_password)" --set application="$(cat /run/secrets/postgres_app_password)" <<'SQL'
ALTER ROLE fabroute_owner PASSWORD :'owner';
ALTER ROLE app_rw PASSWORD :'application';
SQL
