#!/bin/sh
# In Lambda the argument is a handler; elsewhere it is a command to run, and without arguments the server starts.
set -eu
if [ -n "${AWS_LAMBDA_RUNTIME_API:-}" ]; then
    exec python -m awslambdaric "$@"
elif [ "$#" -gt 0 ]; then
    exec "$@"
else
    exec muster serve --host "${MUSTER_HOST:-0.0.0.0}" --port "${MUSTER_PORT:-8000}"
fi
