#!/bin/sh
# Makes a certificate authority of your own and the certificates that
# docker/compose.production.yaml reads, in docker/certificates or the folder given. They
# are good for a test; a real deployment has its own authority, and the same file names.
set -eu

folder=${1:-$(dirname "$0")/certificates}
days=${DAYS:-30}
mkdir -p "$folder"
chmod 700 "$folder"
cd "$folder"

openssl req -x509 -newkey rsa:2048 -nodes -days "$days" -subj "/CN=Drystone test authority" \
    -keyout ca.key -out ca.crt 2>/dev/null

certificate() { # NAME HOST...: a server's certificate, for these host names
    name=$1
    shift
    hosts=$(printf 'DNS:%s,' "$@")
    openssl req -newkey rsa:2048 -nodes -subj "/CN=$1" \
        -keyout "$name.key" -out "$name.csr" 2>/dev/null
    printf 'subjectAltName=%sIP:127.0.0.1\n' "$hosts" > "$name.ext"
    openssl x509 -req -in "$name.csr" -CA ca.crt -CAkey ca.key -CAcreateserial \
        -days "$days" -extfile "$name.ext" -out "$name.crt" 2>/dev/null
    rm "$name.csr" "$name.ext"
}

certificate server db localhost
certificate pgbouncer pgbouncer localhost
chmod 400 ca.key
chmod 444 ./*.crt server.key pgbouncer.key
