#!/bin/sh
# rootfs.sh PROGRAM DIR: makes DIR a root file system that holds the program, the libraries it loads, and nothing else: no
# shell, no package manager. The container image is made of it.
set -eu
program=$1
root=$2
mkdir -p "$root/usr/bin" "$root/etc/acmezone" "$root/var/lib/acmezone" "$root/tmp"
chmod 0700 "$root/var/lib/acmezone"
chmod 1777 "$root/tmp"
cp "$program" "$root/usr/bin/acmezone"
ldd "$program" | grep -o '/[^ ]*' | sort -u | while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
done
echo "nonroot:x:65532:65532::/var/lib/acmezone:/nonexistent" >"$root/etc/passwd"
echo "nonroot:x:65532:" >"$root/etc/group"
