#!/bin/sh
# Command of cdk.json: run the CDK application with the project's own environment, active or not.
# It refuses before anything is synthesized if `make infra` has not run, or not since the locked packages changed.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
ready=
for stamp in infra dev; do
    if [ -f "$root/.venv/$stamp" ] && ! [ "$root/requirements/$stamp.txt" -nt "$root/.venv/$stamp" ]; then ready=yes; fi
done
if [ -z "$ready" ]; then
    echo "The packages that deploy Muster are missing or out of date. Run: make infra" >&2
    exit 1
fi
# -P: modules of the working directory must not hide those of the project.
export PYTHONPATH="$root"
exec "$root/.venv/bin/python" -P -m infra.app
