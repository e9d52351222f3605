#!/bin/sh
# Starts the server with one ACL user per kind of process. Passwords come from the environment, and only their hashes
# are written. DATA and REDIS_SERVER are for trying it out without a container.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
data=${DATA:-/data}

hash() {
    [ "${#1}" -ge 16 ] || { echo "Redis passwords need 16 characters or more; see .env.example." >&2; exit 78; }
    printf %s "$1" | { sha256sum 2>/dev/null || shasum -a 256; } | cut -d ' ' -f 1
}

bot=$(hash "${REDIS_BOT_PASSWORD-}")
gpu=$(hash "${REDIS_WORKER_GPU_PASSWORD-}")
io=$(hash "${REDIS_WORKER_IO_PASSWORD-}")
umask 077
sed -e '/^#/d' -e "s/@BOT@/$bot/" -e "s/@WORKER_GPU@/$gpu/" -e "s/@WORKER_IO@/$io/" "$here/users.acl" >"$data/users.acl"
cd "$data"
# REDIS_SERVER may be several words: the image's own entrypoint gives up root before it starts the server.
# shellcheck disable=SC2086
exec ${REDIS_SERVER:-docker-entrypoint.sh valkey-server} "$here/redis.conf" --dir "$data" --aclfile "$data/users.acl" "$@"
