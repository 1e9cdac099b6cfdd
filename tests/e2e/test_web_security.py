"""What browsers and those who abuse them may do: sessions, other sites, headers, paths, TLS."""

from __future__ import annotations

import http.client
import socket
import ssl
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from urllib.parse import urlencode

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bodies import protobuf, span
from costspan.server.receiver.gate import Gate
from costspan.server.web.session import LASTS_S, Sessions
from serving import JSON, Answer, Server, environment, run_serve, serve_command

KEY = "open sesame"
PEM = Encoding.PEM
DRY_RUN = b'{"action": "dry-run"}'
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("guarded") / "data", COSTSPAN_API_KEY=KEY)
    yield running
    running.kill()


def sign_in(server: Server, key: str = KEY, onward: str = "", **headers: str) -> Answer:
    body = urlencode({"key": key, "next": onward}).encode()
    return server.request("POST", "/login", body, Content_Type=FORM, **headers)


def cookie_of(answer: Answer) -> str:
    return answer.headers["set-cookie"].partition(";")[0]


def test_a_session_asks_what_its_key_may_ask(guarded: Server) -> None:
    answer = sign_in(guarded, onward="?by=team")
    assert (answer.status, answer.headers["location"]) == (303, "/?by=team")
    attributes = {part.strip().lower() for part in answer.headers["set-cookie"].split(";")[1:]}
    assert attributes == {"httponly", "samesite=strict", "path=/", f"max-age={LASTS_S}"}
    assert KEY not in answer.headers["set-cookie"]
    cookie = cookie_of(answer)
    assert guarded.get("/api/v1/spend", Cookie=cookie).status == 200
    assert guarded.get("/api/v1/spend", Cookie=f"a=b; {cookie}; c=d").status == 200
    assert "COSTSPAN_API_KEY" in guarded.get("/login", Cookie=cookie).body.decode()
    assert guarded.send(protobuf([span()]), Cookie=cookie).status == 401


def test_the_cookie_is_for_tls_only_where_the_browser_came_by_it(guarded: Server) -> None:
    answer = sign_in(guarded, Origin="https://costs.example", Sec_Fetch_Site="same-origin")
    assert "secure" in answer.headers["set-cookie"].lower()


def test_a_wrong_key_begins_no_session(guarded: Server) -> None:
    for answer in (sign_in(guarded, "guess"), sign_in(guarded, ""), guarded.request("POST", "/login", b"&" * 1000)):
        assert answer.status == 401
        assert "set-cookie" not in answer.headers
        assert "guess" not in answer.body.decode()


def test_a_forged_session_is_none(guarded: Server) -> None:
    cookie = cookie_of(sign_in(guarded))
    name, _, value = cookie.partition("=")
    key, expires, signature = value.rsplit(".", 2)
    later = int(expires) + 1
    forged = ["", "...", f"other.{expires}.{signature}", f"{key}.{later}.{signature}", f"{key}.0.{signature}"]
    forged += [f"{key}.{expires}.{'0' * 64}", f"{key}.{expires}.", value[:-1], "\u00b2.\u00b2.\u00b2"]
    for wrong in forged:
        header = f"{name}={wrong}".encode().decode("latin-1")
        assert guarded.get("/api/v1/spend", Cookie=header).status == 401, wrong
    assert "Traceback" not in guarded.errors()


def test_signing_out_takes_the_cookie_back(guarded: Server) -> None:
    answer = guarded.request("POST", "/logout", b"", Cookie=cookie_of(sign_in(guarded)))
    assert answer.status == 303
    assert "max-age=0" in answer.headers["set-cookie"].lower()


def test_a_session_ends_with_its_time_and_with_its_key(tmp_path: Path) -> None:
    now = [1_000.0]
    gate = Gate(KEY)
    sessions = Sessions(gate, lambda: now[0])
    key = gate.find(KEY.encode())
    assert key is not None
    cookie = f"costspan_session={sessions.issue(key)}"
    now[0] += LASTS_S
    assert sessions.key(cookie) is key
    now[0] += 1
    assert sessions.key(cookie) is None
    assert Sessions(gate, lambda: 1_000.0).key(cookie) is None


@pytest.mark.parametrize(
    "onward",
    ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "a\r\nX: y", "..//x", '"><b>'],
)
def test_signing_in_leads_to_no_other_host(guarded: Server, onward: str) -> None:
    answer = sign_in(guarded, onward=onward)
    assert answer.headers["location"] == "/"
    page = guarded.get(f"/login?{urlencode({'next': onward})}")
    assert 'name="next" value=""' in page.body.decode()


OTHERS = [
    {"Sec_Fetch_Site": "cross-site"},
    {"Sec_Fetch_Site": "same-site"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1"},
]


@pytest.mark.parametrize("headers", OTHERS)
def test_another_site_changes_nothing_in_a_browsers_name(guarded: Server, headers: dict[str, str]) -> None:
    cookie = cookie_of(sign_in(guarded))
    for path in ("/api/v1/reprice", "/api/v1/prices/map", "/login", "/logout"):
        refused = guarded.request("POST", path, b"{}", Content_Type=JSON, Cookie=cookie, **headers)
        assert (refused.status, refused.document["status"]) == (403, 403)


def test_its_own_pages_change_what_the_key_may_change(guarded: Server) -> None:
    cookie = cookie_of(sign_in(guarded))
    for headers in ({"Sec_Fetch_Site": "same-origin"}, {"Origin": f"http://{guarded.url}"}, {}):
        answer = guarded.request("POST", "/api/v1/reprice", DRY_RUN, Content_Type=JSON, Cookie=cookie, **headers)
        assert answer.status == 200, answer.body


def test_another_site_changes_nothing_where_no_key_is_set(shared_server: Server) -> None:
    for headers in OTHERS:
        assert shared_server.request("POST", "/api/v1/reprice", b"{}", Content_Type=JSON, **headers).status == 403
    assert shared_server.request("POST", "/api/v1/reprice", DRY_RUN, Content_Type=JSON).status == 200


@pytest.mark.parametrize("path", ["/", "/login", "/healthz", "/api/v1/spend", "/metrics", "/nowhere", "/api/nowhere"])
def test_every_answer_carries_strict_headers(guarded: Server, path: str) -> None:
    headers = guarded.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "server" not in headers


@pytest.mark.parametrize("root", ["", "/ops/llm"])
def test_no_spelling_of_a_path_opens_what_needs_a_key(tmp_path: Path, start_server, root: str) -> None:
    server = start_server("--root-path", root, COSTSPAN_API_KEY=KEY)
    spellings = ["/api/v1/spend", "//api/v1/spend", "/api//v1/spend", "/./api/v1/spend", "/x/../api/v1/spend",
                 "/api%2Fv1%2Fspend", "/%61pi/v1/spend", "/API/v1/spend", "/api/v1/spend/", "/metrics", "/openapi.json",
                 "/login/../metrics", "/healthz/../metrics", "/v1/../metrics", "/v1/../api/v1/spend"]  # fmt: skip
    for prefix in {"", root}:
        for path in spellings:
            answer = server.get(f"{prefix}{path}")
            assert answer.status != 200 or b"<!doctype html>" in answer.body.lower(), (prefix, path)
            assert b'"cost_usd"' not in answer.body


@pytest.mark.parametrize(
    "path",
    ["/../../etc/passwd", "/assets/../../../../etc/passwd", "/assets/..%2f..%2f..%2fetc/passwd",
     "/%2e%2e/%2e%2e/etc/passwd", "/..\\..\\etc\\passwd", "/assets/%00", "/static/../config.py", "//etc/passwd"],
)  # fmt: skip
def test_no_path_leads_out_of_the_dashboards_files(shared_server: Server, path: str) -> None:
    with socket.create_connection(tuple(shared_server.url.split(":")), timeout=30) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert b"root:" not in answer
    assert answer.split()[1] in (b"200", b"404", b"400")
    assert answer.split()[1] != b"200" or b"<!doctype html>" in answer.lower()


@pytest.mark.parametrize("query", ["filter=a%0d%0aX-Evil:%20yes", "since=%0d%0aX-Evil:%20yes", "%0d%0aX-Evil:yes=1"])
def test_no_question_writes_a_header(shared_server: Server, query: str) -> None:
    answer = shared_server.get(f"/api/v1/spend?{query}")
    assert answer.status == 400
    assert "x-evil" not in answer.headers


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """Files of a certificate for 127.0.0.1 that signs itself, and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
    own = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    (tmp_path / "cert.pem").write_bytes(made.add_extension(own, False).sign(key, hashes.SHA256()).public_bytes(PEM))
    (tmp_path / "key.pem").write_bytes(key.private_bytes(PEM, PrivateFormat.PKCS8, NoEncryption()))
    return tmp_path / "cert.pem", tmp_path / "key.pem"


def test_both_doors_speak_tls(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    command = serve_command(tmp_path / "data", "--tls-cert", str(cert), "--tls-key", str(key))
    process = subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    with process:
        assert process.stdout
        line = process.stdout.readline()
        host, port = line.partition("https://")[2].partition(",")[0].split(":")
        trusting = ssl.create_default_context(cafile=str(cert))
        connection = http.client.HTTPSConnection(host, int(port), context=trusting, timeout=30)
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        assert answer.status == 200
        assert answer.getheader("strict-transport-security")
        connection.close()
        with grpc.secure_channel(
            line.partition("OTLP/gRPC on ")[2].partition(",")[0], grpc.ssl_channel_credentials(cert.read_bytes())
        ) as channel:
            export = channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export")
            assert export(protobuf([span()]), timeout=30) == b""
        process.terminate()
        assert process.wait(30) == 0


def test_a_certificate_that_is_none_is_named(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    for options in (("--tls-cert", str(cert)), ("--tls-cert", str(key), "--tls-key", str(key)),
                    ("--tls-cert", "nowhere.pem", "--tls-key", str(key))):  # fmt: skip
        refused = run_serve(tmp_path / "data", *options)
        assert refused.returncode == 2
        assert "--tls-cert" in refused.stderr
        assert "Traceback" not in refused.stderr
