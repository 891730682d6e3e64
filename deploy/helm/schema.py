#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""schema.py PROGRAM [--check]: writes the options of PROGRAM into the chart's values.schema.json, below `config`.

The rest of that file is written by hand. Options that follow from other values of the chart are left out, so that
setting them in `config` is refused; so are options that make no sense in a container. --check writes nothing and fails
when the file is out of date.
"""
import json
import pathlib
import subprocess
import sys

SCHEMA = pathlib.Path(__file__).parent / "acmezone" / "values.schema.json"

SET_BY_CHART = {
    "general": {"listen", "cookie_secret", "cookie_secret_other"},
    "database": {"engine", "connection", "path", "username", "password", "tls_ca", "tls_cert", "tls_key", "replica_id"},
    "api": {"ip", "port", "tls", "tls_cert_privkey", "tls_cert_fullchain", "registration_tokens", "acme_cache_dir",
            "notification_email", "api_domain", "acme_directory", "acme_ca_file", "acme_program", "acme_timeout_s",
            "acme_retry_s"},
    "logconfig": {"logtype", "logfile"},
    "metrics": {"listen"},
    "querylog": {"file"},
    "audit": {"file"},
}


def option_schema(program):
    """What may stand below `config`: the program's own schema without what the chart sets."""
    options = json.loads(subprocess.run([program, "config", "--schema"], check=True, capture_output=True).stdout)
    del options["$schema"]
    for section, keys in SET_BY_CHART.items():
        known = options["properties"][section]["properties"]
        options["properties"][section]["properties"] = {key: known[key] for key in known if key not in keys}
    return options


def main():
    schema = json.loads(SCHEMA.read_text())
    schema["properties"]["config"] = option_schema(sys.argv[1])
    text = json.dumps(schema, indent=2) + "\n"
    if "--check" in sys.argv[2:]:
        return "" if SCHEMA.read_text() == text else f"{SCHEMA} is out of date: run `make docs`"
    SCHEMA.write_text(text)
    return ""


if __name__ == "__main__":
    sys.exit(main() or 0)
