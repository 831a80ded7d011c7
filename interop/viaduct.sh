#!/bin/sh
# Runs the `viaduct` command from a checkout, with Debian's Python and its modules.
here=$(cd "$(dirname "$0")" && pwd)
PYTHONPATH=$here${PYTHONPATH:+:$PYTHONPATH} exec "${PYTHON:-/usr/bin/python3}" -m viaduct "$@"
