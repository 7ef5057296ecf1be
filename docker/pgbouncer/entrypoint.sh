#!/bin/sh
# Writes the one password that PgBouncer itself needs where it looks for it, on a tmpfs.
set -eu

umask 077
mkdir -p /run/pgbouncer
password=$(cat /run/secrets/pool_password)
printf '"drystone_pool" "%s"\n' "$password" > /run/pgbouncer/userlist.txt
exec pgbouncer "$@"
