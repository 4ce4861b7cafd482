#!/bin/sh
# The steps that make the image. `engine` is the same installation that every user has, and runs anywhere.
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/../.." && pwd)

case "${1:-}" in
system) # as root, on Debian or Ubuntu
    if ! python3 -c "import ensurepip, ssl" 2>/dev/null; then
        apt-get update
        apt-get install --yes --no-install-recommends python3 python3-venv ca-certificates
        rm -rf /var/lib/apt/lists/*
    fi
    ;;
engine)
    if [ -f /run/secrets/pip_conf ]; then export PIP_CONFIG_FILE=/run/secrets/pip_conf; fi
    if [ -f /run/secrets/pip_cert ]; then export PIP_CERT=/run/secrets/pip_cert; fi
    export PIP_NO_CACHE_DIR=1
    folder=$(python3 "$root/install" env movies farm)
    # Nobody may write into the image later, so the modules are compiled now.
    "$folder/bin/python" -m compileall -q "$root/core"
    echo "$folder"
    ;;
*)
    echo "steps.sh: say system or engine" >&2
    exit 2
    ;;
esac
