# SPDX-License-Identifier: MIT
"""The OpenAPI document is sound, and true: each path, method and status in it is asked for, and comes as described.

That the document has exactly the routes of the program is tests/unit/test_openapi.c.
"""

import json
import re

import jsonschema
import pytest

from acmezone import CHEAP_ARGON2, DEADLINE_S, ROOT, Acmezone, run

TXT = "LHDhK3oGRvkiefQnx7OOczTY5Tic_xZ6HcMOc_gmtoM"
TOKEN = "0123456789abcdef"
DOCUMENT = json.loads((ROOT / "api/openapi.json").read_text())
OPERATIONS = {(path, method): operation for path, methods in DOCUMENT["paths"].items()
              for method, operation in methods.items()}
DESCRIBED = {(path, method, status) for (path, method), operation in OPERATIONS.items()
             for status in operation["responses"]}


def resolve(thing):
    """Follows a reference within the document."""
    while isinstance(thing, dict) and "$ref" in thing:
        at = DOCUMENT
        for part in thing["$ref"].removeprefix("#/").split("/"):
            at = at[part]
        thing = at
    return thing


def references(thing):
    if isinstance(thing, dict):
        yield from ([thing] if "$ref" in thing else [])
        thing = list(thing.values())
    if isinstance(thing, list):
        for part in thing:
            yield from references(part)


def validate(value, schema):
    """Checks a value against one of the document's schemas (JSON Schema 2020-12, as OpenAPI 3.1 has it)."""
    jsonschema.Draft202012Validator({**schema, "components": DOCUMENT["components"]},
                                    format_checker=jsonschema.FormatChecker()).validate(value)


# The document

def test_the_document_is_sound():
    assert DOCUMENT["openapi"] == "3.1.0" and DOCUMENT["info"]["title"] == "acmezone"
    for reference in references(DOCUMENT):
        assert resolve(reference) is not None
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    ids = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(set(ids)) == len(ids)
    for operation in OPERATIONS.values():
        assert operation["summary"] and not operation["summary"].endswith(".")
        assert all(name in DOCUMENT["components"]["securitySchemes"]
                   for choice in operation["security"] for name in choice)
        for status, response in operation["responses"].items():
            assert re.fullmatch(r"[1-5]\d\d|default", status) and resolve(response)["description"]


def test_every_schema_and_response_is_used():
    used = {reference["$ref"] for reference in references(DOCUMENT)}
    for kind in ("schemas", "responses"):
        assert {f"#/components/{kind}/{name}" for name in DOCUMENT["components"][kind]} <= used


# What comes

class World:
    """A server with tokens, and accounts in the states that the answers need."""

    def __init__(self, server):
        self.server = server
        self.seen = set()

    def register(self, **body):
        answer = self.server.http.post(f"{self.server.api}/register", json=body or None, timeout=DEADLINE_S,
                                       headers={"Authorization": f"Bearer {TOKEN}"})
        assert answer.status_code == 201
        return answer.json()

    def disabled(self):
        account = self.register()
        result = run("account", "disable", account["subdomain"], "-c", self.server.config)
        assert result.returncode == 0, result.stderr
        return account

    def ask(self, path, method, wanted, account=None, headers=None, **options):
        """Asks, and compares with what the document says about that status."""
        if account:
            headers = {"X-Api-User": account["username"], "X-Api-Key": account["password"]}
        answer = self.server.http.request(method, self.server.api + path, headers=headers, timeout=DEADLINE_S,
                                          **options)
        assert answer.status_code == wanted, answer.text
        responses = OPERATIONS[path, method.lower()]["responses"]
        status = str(wanted) if str(wanted) in responses else "default"
        self.seen.add((path, method.lower(), status))
        content = resolve(responses[status]).get("content")
        if content is None or method == "HEAD":
            assert answer.text == ""
        else:
            assert answer.headers["Content-Type"] == "application/json"
            validate(answer.json(), content["application/json"]["schema"])
        return answer


@pytest.fixture(name="world")
def fixture_world(tmp_path):
    with Acmezone(tmp_path, api={**CHEAP_ARGON2, "registration_tokens": [f"shop:{TOKEN}"]}) as server:
        yield World(server)


def ask_with_credentials(world, path, method, success, **options):
    account = world.register()
    world.ask(path, method, 401, headers={"X-Api-User": account["username"], "X-Api-Key": "x" * 40}, **options)
    world.ask(path, method, 403, account=world.disabled(), **options)
    world.ask(path, method, 413, account=account, data="x" * 100000)
    world.ask(path, method, success, account=account, **options)


def test_all_that_is_described_happens_as_described(world, tmp_path):
    token = {"Authorization": f"Bearer {TOKEN}"}
    world.ask("/register", "POST", 201, headers=token, json={"note": "x", "subdomain": "shop"})
    world.ask("/register", "POST", 201, headers=token)
    world.ask("/register", "POST", 400, headers=token, data="{")
    world.ask("/register", "POST", 401)
    world.ask("/register", "POST", 409, headers=token, json={"subdomain": "shop"})
    world.ask("/register", "POST", 413, headers=token, data="x" * 100000)

    account = world.register()
    update = {"subdomain": account["subdomain"], "txt": TXT}
    world.ask("/update", "POST", 200, account=account, json=update)
    world.ask("/update", "POST", 400, account=account, json={**update, "txt": "short"})
    ask_with_credentials(world, "/clear", "POST", 204)
    ask_with_credentials(world, "/account", "GET", 200)
    ask_with_credentials(world, "/account", "DELETE", 204)
    ask_with_credentials(world, "/account/rotate", "POST", 200)
    world.ask("/update", "POST", 401, headers={})
    world.ask("/update", "POST", 403, account=world.disabled(), json=update)
    world.ask("/update", "POST", 413, account=account, data="x" * 100000)
    for path in ("/health", "/ready", "/openapi.json"):
        world.ask(path, "GET", 200)
        world.ask(path, "GET", 413, data="x" * 100000)
    assert world.ask("/openapi.json", "GET", 200).json() == DOCUMENT

    (tmp_path / "lonely").mkdir()  # without etcd nobody is ready
    lonely = {"engine": "etcd", "connection": "http://127.0.0.1:1", "path": str(tmp_path / "lonely/copy")}
    with Acmezone(tmp_path / "lonely", api=CHEAP_ARGON2, database=lonely) as server:
        world.server = server
        world.ask("/ready", "GET", 503)
    assert world.seen == DESCRIBED
