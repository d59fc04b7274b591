#!/bin/sh
# Make the database and the user of the gallery, who is no administrator. PostgreSQL's image runs this once, when the
# database is new.
set -eu

psql --no-psqlrc --set ON_ERROR_STOP=1 --set password="$(cat /run/secrets/database_password)" \
  --username "$POSTGRES_USER" --dbname postgres << 'SQL'
CREATE ROLE twinlens LOGIN PASSWORD :'password';
CREATE DATABASE twinlens OWNER twinlens;
REVOKE ALL ON DATABASE twinlens FROM PUBLIC;
\connect twinlens
CREATE EXTENSION vector;
SQL
