#!/bin/sh
# rootfs.sh PROGRAM DIR [OTHER...]: makes DIR a root file system that holds the program as /usr/bin/acmezone, the others, such
# as uacme, where they are, the libraries they load, the system's authorities if there are any, and nothing else: no shell, no
# package manager. The container image is made of it.
set -eu
program=$1
root=$2
shift 2
mkdir -p "$root/usr/bin" "$root/etc/acmezone" "$root/var/lib/acmezone" "$root/tmp"
chmod 0700 "$root/var/lib/acmezone"
chmod 1777 "$root/tmp"
cp "$program" "$root/usr/bin/acmezone"
for other in "$@"; do
    mkdir -p "$root$(dirname "$other")"
    cp -L "$other" "$root$other"
done
authorities=/etc/ssl/certs/ca-certificates.crt
if [ -e "$authorities" ]; then
    mkdir -p "$root/etc/ssl/certs"
    cp -L "$authorities" "$root$authorities"
fi
ldd "$program" "$@" | grep -o '/[^ :]*\.so[^ :]*' | sort -u | while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
done
echo "nonroot:x:65532:65532::/var/lib/acmezone:/nonexistent" >"$root/etc/passwd"
echo "nonroot:x:65532:" >"$root/etc/group"
