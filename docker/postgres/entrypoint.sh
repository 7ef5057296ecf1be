#!/bin/sh
# Puts the server's private key where PostgreSQL accepts it, then starts the image's own
# entrypoint. PostgreSQL refuses a key that others can read or that a third user owns; a
# secret that is mounted from a file has the owner and the mode of the host's file.
set -eu

mkdir -p /var/run/postgresql
key=/run/secrets/server_key
if [ -r "$key" ]; then
    mkdir -p /var/run/postgresql/tls
    install -m 600 "$key" /var/run/postgresql/tls/server.key
fi
exec docker-entrypoint.sh "$@"
