#!/bin/sh
# packages.sh SET...: makes sure that the Debian packages of the named sets (build, run, test, fuzz, helm, cover, lint, bench) are installed.
#
# Prints what is missing and installs it with apt-get (through sudo when not root). On a system without apt-get it prints the
# names to install and stops.
set -eu

build="libuv1-dev libldns-dev liblmdb-dev libmicrohttpd-dev libgnutls28-dev nettle-dev libjansson-dev libargon2-dev libcrypt-dev
       libseccomp-dev libcurl4-gnutls-dev libprotobuf-c-dev protobuf-c-compiler libsqlite3-dev libpq-dev"
test="libcmocka-dev python3-pytest python3-dnspython python3-requests python3-jsonschema certbot pebble unbound nsd knot dehydrated
      lego uacme ldnsutils iproute2 bind9-dnsutils openssl curl procps valgrind etcd-server etcd-client
      prometheus python3-yaml postgresql python3-bcrypt jq"
# Node.js and npm may also come from elsewhere than Debian.
helm="python3-yaml busybox etcd-server $(command -v npm >/dev/null 2>&1 || echo nodejs npm)"
run="curl bind9-dnsutils"
cover="gcovr"
lint="clang clang-format clang-tidy cppcheck systemd"
fuzz="clang llvm libclang-rt-14-dev"
bench="nsd knot etcd-server python3-dnspython python3-requests"

wanted=""
for set in "$@"; do
    case $set in
    build) wanted="$wanted $build" ;;
    run) wanted="$wanted $run" ;;
    test) wanted="$wanted $test" ;;
    helm) wanted="$wanted $helm" ;;
    fuzz) wanted="$wanted $fuzz" ;;
    cover) wanted="$wanted $cover" ;;
    lint) wanted="$wanted $lint" ;;
    bench) wanted="$wanted $bench" ;;
    *) echo "packages.sh: no set is called '$set'" >&2; exit 2 ;;
    esac
done

if ! command -v apt-get >/dev/null 2>&1; then
    echo "This is not a Debian system. Install what these Debian packages hold, then build with 'make all': $wanted" >&2
    exit 1
fi

missing=""
for package in $wanted; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

echo "Debian packages to install:$missing"
as_root=""
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 || { echo "Neither root nor sudo: install them, then run make again." >&2; exit 1; }
    as_root=sudo
fi
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -q
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
