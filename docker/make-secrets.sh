#!/bin/sh
# Makes the passwords that docker/compose.yaml reads, in docker/secrets or the folder
# given; what is there already stays. The folder is closed to others. The files in it are
# not, since each container reads its own as a user of its own.
set -eu

folder=${1:-$(dirname "$0")/secrets}
mkdir -p "$folder"
chmod 700 "$folder"
cd "$folder"

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
keep() { [ -s "$1" ] || { cat > "$1.new" && mv "$1.new" "$1"; }; }

for role in postgres migrate service worker watch copy pool grafana; do
    random | keep "${role}_password"
done

random | keep redis_password
hash=$(sha256sum < redis_password | cut -d ' ' -f 1)
echo "user default on #$hash ~* &* +@all" | keep redis_users
echo "redis://:$(cat redis_password)@redis:6379/0" | keep redis_url
chmod 444 ./*
