#!/usr/bin/env sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034
dns_acmezone_info='acmezone, through its hook
Options:
 ACMEZONE_SERVER URL of the API; several, separated by commas, all get the value
OptionsAlt:
 ACMEZONE_CREDENTIALS The file of accounts. Optional.
'

# For acme.sh: copy it to ~/.acme.sh/dnsapi/, then
#     export ACMEZONE_SERVER=https://auth.example.org
#     acme.sh --issue --dns dns_acmezone -d example.com -d '*.example.com'
# The hook returns when every name server has the value, so --dnssleep 1 is enough.

dns_acmezone_add() {
  ACMEZONE_SERVER="${ACMEZONE_SERVER:-$(_readaccountconf_mutable ACMEZONE_SERVER)}"
  ACMEZONE_CREDENTIALS="${ACMEZONE_CREDENTIALS:-$(_readaccountconf_mutable ACMEZONE_CREDENTIALS)}"
  export ACMEZONE_SERVER ACMEZONE_CREDENTIALS
  _saveaccountconf_mutable ACMEZONE_SERVER "$ACMEZONE_SERVER"
  _saveaccountconf_mutable ACMEZONE_CREDENTIALS "$ACMEZONE_CREDENTIALS"
  acmezone hook add "$1" "$2"
}

# The next value replaces the oldest one.
dns_acmezone_rm() {
  acmezone hook rm "$1" "$2"
}
