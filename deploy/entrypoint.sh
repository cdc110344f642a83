#!/bin/sh
# Starts `tally` with the secrets of files in its environment: passwords are in no compose file,
# no image and no `docker inspect`. libpq reads PGPASSWORD where DATABASE_URL has no password.
set -eu
if [ -n "${PGPASSWORD_FILE:-}" ]; then
  PGPASSWORD=$(cat "$PGPASSWORD_FILE")
  export PGPASSWORD
fi
if [ -n "${KEY_PASSPHRASE_FILE:-}" ]; then
  TALLYSTICK_KEY_PASSPHRASE=$(cat "$KEY_PASSPHRASE_FILE")
  export TALLYSTICK_KEY_PASSPHRASE
fi
exec python -m backend "$@"
