# SPDX-License-Identifier: MIT
"""The API as an HTTP server: paths, methods, sizes, framing, CORS, /health and /ready."""

import json
import re

import pytest
import requests

from acmezone import CHEAP_ARGON2, Acmezone
from wire import exchange, http_socket, read_response, request_bytes

ERROR = re.compile(r'\{"error": "[a-z_]+"\}')
TXT = "x" * 43


def assert_is_json_error(answer, status):
    assert answer.status_code == status
    assert ERROR.fullmatch(answer.text), answer.text
    assert answer.headers["Content-Type"].split(";")[0] == "application/json"


def assert_is_raw_json_error(response, status):
    assert response.status == status, response.body
    assert ERROR.fullmatch(response.body.decode()), response.body


# Paths and methods

@pytest.mark.parametrize("path", ["/register", "//register", "/register/", "/Register", "/REGISTER", "//Register//",
                                  "/register?x=1"])
def test_every_spelling_of_register_is_served_without_a_redirect(server, path):
    answer = requests.request("POST", f"{server.api}{path}", allow_redirects=False)
    assert answer.status_code == 201


@pytest.mark.parametrize("path", ["/update", "//update", "/update/", "/Update", "/UPDATE", "/update?x=1"])
def test_every_spelling_of_update_is_served_without_a_redirect(server, account, path):
    answer = requests.request(
        "POST", f"{server.api}{path}", json={"subdomain": account["subdomain"], "txt": TXT}, allow_redirects=False,
        headers={"X-Api-User": account["username"], "X-Api-Key": account["password"]})
    assert answer.status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS"])
@pytest.mark.parametrize("path", ["/", "/nope", "/registers", "/registe", "/register/x", "/x/register", "/update/x",
                                  "/healthy", "/register%20", "/register;x", "/../register", "/%2e%2e/update",
                                  "/" + "x" * 2000])
def test_an_unknown_path_is_404(server, method, path):
    request = request_bytes(f"{method} {path}", [("Host", "x"), ("Content-Length", "0")])
    assert_is_raw_json_error(exchange(server.api, request), 404)


@pytest.mark.parametrize("path, methods, allowed", [
    ("/register", ["GET", "PUT", "DELETE", "PATCH", "BREW"], {"POST"}),
    ("/update", ["GET", "PUT", "DELETE", "PATCH", "BREW"], {"POST"}),
    ("/health", ["POST", "PUT", "DELETE"], {"GET", "HEAD"}),
    ("/ready", ["POST", "PUT", "DELETE"], {"GET"}),
])
def test_another_method_is_405_and_names_the_allowed_ones(server, path, methods, allowed):
    for method in methods:
        answer = server.http.request(method, f"{server.api}{path}")
        assert_is_json_error(answer, 405)
        assert allowed <= set(re.split(r"\s*,\s*", answer.headers["Allow"])) <= {"GET", "HEAD", "POST", "OPTIONS"}


def test_head_of_a_post_path_is_405_without_a_body(server):
    answer = server.http.head(f"{server.api}/register")
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]
    assert answer.content == b""


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_health_is_an_empty_200(server, method):
    answer = server.http.request(method, f"{server.api}/health")
    assert answer.status_code == 200
    assert answer.content == b""


def test_ready_says_in_json_that_nothing_is_missing(server):
    answer = server.http.get(f"{server.api}/ready")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].split(";")[0] == "application/json"
    assert isinstance(answer.json(), dict)
    assert server.http.head(f"{server.api}/ready").status_code == 200


# Sizes

@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A server that takes bodies of up to 1,024 bytes."""
    with Acmezone(tmp_path_factory.mktemp("small"), api={**CHEAP_ARGON2, "body_max_bytes": 1024}) as running:
        yield running


def chunked(body, size=100):
    parts = [body[start:start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


@pytest.mark.parametrize("path", ["/register", "/update"])
@pytest.mark.parametrize("is_chunked", [False, True], ids=["with a length", "in chunks"])
def test_a_body_over_the_limit_is_413_and_one_at_the_limit_is_read(small, path, is_chunked):
    account = small.register()
    body = json.dumps({"subdomain": account["subdomain"], "txt": TXT}).encode().ljust(1024)
    headers = [("Host", "x"), ("X-Api-User", account["username"]), ("X-Api-Key", account["password"])]
    for excess, status in ((b"", 201 if path == "/register" else 200), (b" ", 413)):
        sent = body + excess
        framing = ("Transfer-Encoding", "chunked") if is_chunked else ("Content-Length", len(sent))
        wire = chunked(sent) if is_chunked else sent
        response = exchange(small.api, request_bytes(f"POST {path}", [*headers, framing], wire))
        assert response.status == status, response.body
        if status == 413:
            assert_is_raw_json_error(response, 413)


@pytest.mark.parametrize("length", [1025, 10**9])
def test_a_body_over_the_limit_is_refused_before_it_is_sent(small, length):
    headers = [("Host", "x"), ("Content-Length", length), ("Expect", "100-continue")]
    assert_is_raw_json_error(exchange(small.api, request_bytes("POST /register", headers)), 413)


def test_expect_100_continue_is_honoured(server, account):
    body = json.dumps({"subdomain": account["subdomain"], "txt": TXT}).encode()
    headers = [("Host", "x"), ("X-Api-User", account["username"]), ("X-Api-Key", account["password"]),
               ("Content-Length", len(body)), ("Expect", "100-continue")]
    with http_socket(server.api) as connection:
        connection.sendall(request_bytes("POST /update", headers))
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert read_response(connection).status == 200


# Framing

def test_a_request_may_arrive_byte_by_byte(server):
    request = request_bytes("POST /register", [("Host", "x"), ("Content-Length", 2)], b"{}")
    with http_socket(server.api) as connection:
        for n in range(len(request)):
            connection.sendall(request[n:n + 1])
        assert read_response(connection).status == 201


def test_many_requests_share_one_connection_also_pipelined(server):
    request = request_bytes("GET /health", [("Host", "x")])
    with http_socket(server.api) as connection:
        for _ in range(3):
            connection.sendall(request)
            assert read_response(connection, "GET").status == 200
        connection.sendall(request * 3)
        data = b""
        while data.count(b"\r\n\r\n") < 3:
            part = connection.recv(65536)
            assert part, data
            data += part
        assert data.count(b"HTTP/1.1 200 OK\r\n") == 3


def test_an_answer_to_http_1_0_ends_with_the_connection(server):
    with http_socket(server.api) as connection:
        connection.sendall(b"POST /register HTTP/1.0\r\nContent-Length: 0\r\n\r\n")
        response = read_response(connection)
        assert response.status == 201
        assert json.loads(response.body)["allowfrom"] == []
        assert connection.recv(1) == b""


def test_a_client_that_leaves_in_the_middle_of_its_body_disturbs_nobody(server):
    for _ in range(20):
        with http_socket(server.api) as connection:
            connection.sendall(request_bytes("POST /register", [("Host", "x"), ("Content-Length", 100)],
                                             b'{"allowfrom'))
    assert server.http.get(f"{server.api}/health").status_code == 200


def test_an_idle_connection_is_closed(tmp_path):
    with Acmezone(tmp_path, api={"idle_s": 1}) as server, http_socket(server.api) as connection:
        connection.sendall(request_bytes("GET /health", [("Host", "x")]))
        assert read_response(connection, "GET").status == 200
        assert connection.recv(1) == b""


# CORS

ORIGINS = ["https://*.example.com", "http://localhost:3000"]


@pytest.fixture(scope="module")
def cors(tmp_path_factory):
    """A server that lets pages of some origins in."""
    with Acmezone(tmp_path_factory.mktemp("cors"), api={**CHEAP_ARGON2, "corsorigins": ORIGINS}) as running:
        yield running


def preflight(server, path, origin):
    return server.http.options(f"{server.api}{path}", headers={
        "Origin": origin, "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,x-api-key,x-api-user"})


@pytest.mark.parametrize("path", ["/register", "/update"])
@pytest.mark.parametrize("origin", ["https://www.example.com", "https://a.b.example.com", "http://localhost:3000"])
def test_a_preflight_of_an_allowed_origin_is_204_with_methods_and_headers(cors, path, origin):
    answer = preflight(cors, path, origin)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert "POST" in re.split(r"\s*,\s*", answer.headers["Access-Control-Allow-Methods"])
    headers = set(re.split(r"\s*,\s*", answer.headers["Access-Control-Allow-Headers"].lower()))
    assert {"content-type", "x-api-user", "x-api-key"} <= headers
    assert "origin" in answer.headers["Vary"].lower()


@pytest.mark.parametrize("origin", ["https://example.org", "http://www.example.com", "https://www.example.com.evil.org",
                                    "https://.example.com:81", "http://localhost:30000", "http://localhost", "null",
                                    "https://"])
def test_another_origin_gets_no_permission(cors, origin):
    for answer in (preflight(cors, "/update", origin),
                   cors.http.post(f"{cors.api}/register", headers={"Origin": origin})):
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_real_answers_and_refusals_carry_the_permission_too(cors):
    origin = {"Origin": "https://www.example.com"}
    for path, status in (("/register", 201), ("/update", 401), ("/nope", 404)):
        answer = cors.http.post(f"{cors.api}{path}", headers=origin)
        assert answer.status_code == status
        assert answer.headers["Access-Control-Allow-Origin"] == "https://www.example.com"


def test_a_star_allows_every_origin(tmp_path):
    with Acmezone(tmp_path, api={**CHEAP_ARGON2, "corsorigins": ["*"]}) as server:
        for answer in (preflight(server, "/update", "https://any.example"),
                       server.http.post(f"{server.api}/register", headers={"Origin": "https://any.example"})):
            assert answer.headers["Access-Control-Allow-Origin"] in ("*", "https://any.example")


def test_no_origin_in_the_configuration_allows_none(tmp_path):
    with Acmezone(tmp_path, api={**CHEAP_ARGON2, "corsorigins": []}) as server:
        answer = preflight(server, "/update", "https://any.example")
        assert "Access-Control-Allow-Origin" not in answer.headers
