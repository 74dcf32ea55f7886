#!/bin/sh
# The container's entry: `muster` with the arguments given. The first `serve` creates an admin and prints a sign-in link.
set -eu
if [ -z "${MUSTER_ADMIN_TOKEN:-}" ]; then
    # compose passes on an unset variable as an empty one.
    unset MUSTER_ADMIN_TOKEN
fi
if [ "${1:-}" = serve ] && [ -z "${MUSTER_ADMIN_TOKEN:-}" ]; then
    case $(muster users list --json 2>/dev/null || true) in
    *'"user_id"'*) ;;
    *)
        # Ports are published on this machine only, so the link is opened here.
        link=$(muster users add admin --role admin --qr --address http://127.0.0.1:8000 --json 2>/dev/null |
            sed -n 's/.*"link": *"\([^"]*\)".*/\1/p')
        if [ -z "$link" ]; then
            # Say why.
            muster users add admin --role admin
            exit 1
        fi
        echo "Open this link to sign in as admin. It is shown once, and anyone who has it can sign in:"
        echo "$link"
        echo "A new link: docker compose exec muster muster users token admin --qr --address http://127.0.0.1:8000"
        ;;
    esac
fi
exec muster "$@"
