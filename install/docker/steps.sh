#!/bin/sh
# What the image is made by, step by step; `engine` is the same installation that everybody has, and runs anywhere.
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/../.." && pwd)

case "${1:-}" in
system) # as root, on Debian or Ubuntu
    apt-get update
    apt-get install --yes --no-install-recommends python3 python3-venv ca-certificates
    rm -rf /var/lib/apt/lists/*
    ;;
engine)
    export PIP_NO_CACHE_DIR=1
    exec python3 "$root/install" env
    ;;
*)
    echo "steps.sh: say system or engine" >&2
    exit 2
    ;;
esac
