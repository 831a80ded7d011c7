#!/bin/sh
# Judges the server of the stack; arguments go to `viaduct run`.
set -eu
tries=0
until [ -s /pki/server.pem ]; do
  tries=$((tries + 1))
  if [ "$tries" -gt 60 ]; then
    echo "runner: the server made no certificate within 60 s" >&2
    exit 3
  fi
  sleep 1
done
exec interop/viaduct.sh run --target docker/stack.yaml --out /results "$@"
