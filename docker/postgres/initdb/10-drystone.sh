#!/bin/sh
# The first start of an empty volume: roles with the passwords of the secrets, then what
# only a superuser may give the database. Both files may run again at any time.
set -eu

share=/usr/local/share/drystone
for file in roles database; do
    psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" \
        --dbname "${POSTGRES_DB:-drystone}" --file "$share/$file.sql"
done
