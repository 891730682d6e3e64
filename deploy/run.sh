#!/bin/sh
# run.sh PROGRAM: serves deploy/local.cfg and tells a newcomer what to try.
set -eu
cat <<'TEXT'
Paste these into another terminal, in this folder:

  # 1. register
  curl -sX POST http://127.0.0.1:8053/register | tee account.json

  # 2. publish a challenge value
  of() { sed "s/.*\"$1\":\"\([^\"]*\)\".*/\1/" account.json; }
  curl -s http://127.0.0.1:8053/update -H "X-Api-User: $(of username)" -H "X-Api-Key: $(of password)" \
       -d "{\"subdomain\":\"$(of subdomain)\",\"txt\":\"LHDhK3oGRvkiefQnx7OOczTY5Tic_xZ6HcMOc_gmtoM\"}"

  # 3. ask it back by DNS
  dig +short -p 5300 @127.0.0.1 TXT "$(of fulldomain)"

Ctrl-C stops the server.

TEXT
exec "$1" serve -c deploy/local.cfg
