#!/bin/sh
# Builds the image without a container daemon: mmdebstrap makes a Debian base, buildah builds the Dockerfile on it.
# As root, on Debian or Ubuntu with the packages mmdebstrap and buildah:
#   install/docker/build.sh FOLDER
# FOLDER gets the storage of the build and faceplate.tar, for `docker load -i` or `podman load -i`.
# PIP_CONFIG_FILE (/etc/pip.conf by default) and PIP_CERT are mounted while pip runs, if they exist. SUITE is Debian's.
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/../.." && pwd)
out=${1:?say which folder the image goes to}
suite=${SUITE:-bookworm}
export BUILDAH_ISOLATION=chroot

bh() { buildah --storage-driver vfs --root "$out/storage" --runroot "$out/run" "$@"; }

mkdir -p "$out"
out=$(cd "$out" && pwd)
mmdebstrap --variant=minbase --include=python3,python3-venv,ca-certificates "$suite" "$out/base.tar"
base=$(bh from scratch)
bh add --quiet "$base" "$out/base.tar" / >/dev/null
bh commit --quiet --rm "$base" localhost/faceplate-base
rm "$out/base.tar"

set -- --build-arg BASE=localhost/faceplate-base
config=${PIP_CONFIG_FILE:-/etc/pip.conf}
if [ -f "$config" ]; then set -- "$@" --secret "id=pip_conf,src=$config"; fi
if [ -f "${PIP_CERT:-}" ]; then set -- "$@" --secret "id=pip_cert,src=$PIP_CERT"; fi
bh bud --pull-never --ignorefile "$root/.dockerignore" -f "$root/install/docker/Dockerfile" -t localhost/faceplate "$@" "$root"
bh push --quiet localhost/faceplate "docker-archive:$out/faceplate.tar:faceplate:latest"
bh images --format '{{.Name}} {{.Size}}'
echo "archive $(du -h --apparent-size "$out/faceplate.tar" | cut -f1)"
