#!/bin/sh
# Makes the secrets docker-compose.yml names, each 256 random bits, where they are missing.
# The folder is its owner's alone. The files in it may be read by all: Compose mounts a file with
# its mode, and the containers run under a user id that the host does not know.
set -eu
umask 077
folder=$(dirname "$0")/secrets
mkdir -p "$folder"
chmod 700 "$folder"
for name in postgres_password login_password key_passphrase; do
  file="$folder/$name"
  if [ ! -e "$file" ]; then
    head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n' > "$file"
    chmod 444 "$file"
    echo "made $file"
  fi
done
