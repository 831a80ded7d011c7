#!/bin/sh
# Starts viaduct-server in a container, with a certificate for NAME of its own test CA in /pki.
set -eu
name=${NAME:-sip.test}
address=${ADDRESS:-0.0.0.0}
/usr/local/lib/viaduct/pki.sh /pki "$name" "${ADDRESS:-}"
exec viaduct-server --domain "$name" --www /usr/share/viaduct/page --cert /pki/server.pem --key /pki/server.key \
  --listen "udp:$address:5060" --listen "plain:$address:80" --listen "tcp:$address:5060" \
  --ws-path /ws --listen "secure:$address:443" --log info "$@"
