"""API keys: made by the command, asked for by both doors and every route, changed under a running server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from api_keys import bearer, keys
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from bodies import protobuf, span
from serving import JSON, Server, run_serve

Start = Callable[..., Server]
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder whose settings name a file of keys."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "costspan.yaml").write_text("auth: {keys_file: keys.yaml}\n")
    return folder


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, dict[str, str]]]:
    """A server, and a secret for each role."""
    folder = tmp_path_factory.mktemp("guarded") / "data"
    folder.mkdir()
    (folder / "costspan.yaml").write_text("auth: {keys_file: keys.yaml}\n")
    secrets = {
        role: keys(folder, "create", "--name", role, "--role", role).strip() for role in ("ingest", "read", "admin")
    }
    running = Server(folder)
    yield running, secrets
    running.kill()


def test_a_key_is_printed_once_and_kept_as_a_hash(data: Path) -> None:
    secret = keys(data, "create", "--name", "ci", "--role", "ingest", "--role", "read", "--tenant", "acme").strip()
    assert len(secret) > 40
    written = data / "keys.yaml"
    assert secret not in written.read_text()
    assert written.stat().st_mode & 0o077 == 0
    assert keys(data, "list") == "ci  ingest,read  tenant acme\n"


def test_names_are_used_once_and_revoked_by_name(data: Path) -> None:
    keys(data, "create", "--name", "ci", "--role", "ingest", "--spans-per-minute", "100")
    assert "ci" in keys(data, "create", "--name", "ci", "--role", "read", code=2)
    assert keys(data, "list") == "ci  ingest  100 spans/min\n"
    keys(data, "revoke", "ci")
    assert keys(data, "list") == ""
    assert "ci" in keys(data, "revoke", "ci", code=2)


@pytest.mark.parametrize(
    "wrong", [["--name", "a b"], ["--name", "a", "--tenant", "x/y"], ["--name", "a", "--bytes-per-minute", "0"]]
)
def test_a_wrong_key_is_not_made(data: Path, wrong: list[str]) -> None:
    keys(data, "create", "--role", "read", *wrong, code=2)
    assert not (data / "keys.yaml").exists()


def documented(server: Server, secret: str) -> list[tuple[str, str]]:
    """Return method and path of all that the API describes, and of what it does not."""
    paths = server.get("/openapi.json", Authorization=bearer(secret)).document["paths"]
    described = [(method.upper(), path) for path, methods in paths.items() for method in methods]
    return [*described, ("GET", "/metrics"), ("GET", "/openapi.json")]


def test_every_route_asks_for_a_key_with_its_role(guarded: tuple[Server, dict[str, str]]) -> None:
    server, secrets = guarded
    routes = [route for route in documented(server, secrets["read"]) if route[1] not in ("/healthz", "/readyz")]
    assert len(routes) > 8
    for method, path in routes:
        asked = path.replace("{trace_id}", "abcd")

        def status(secret: str | None, method: str = method, asked: str = asked) -> int:
            headers = {"Authorization": bearer(secret)} if secret else {}
            return server.request(method, asked, b"{}", Content_Type=JSON, **headers).status

        assert (status(None), status("cs_wrong"), status(secrets["ingest"])) == (401, 401, 403), asked
        assert (status(secrets["read"]) == 403) is (method != "GET"), asked
        assert status(secrets["admin"]) not in (401, 403), asked


def test_only_a_key_for_it_sends_telemetry(guarded: tuple[Server, dict[str, str]]) -> None:
    server, secrets = guarded
    body = protobuf([span()])
    for signal in ("traces", "logs", "metrics"):
        refused = server.request(
            "POST", f"/v1/{signal}", b"{}", Content_Type=JSON, Authorization=bearer(secrets["read"])
        )
        assert (refused.status, refused.document["code"]) == (403, 7)
    for role, code in (("read", grpc.StatusCode.PERMISSION_DENIED), ("ingest", None), ("admin", None)):
        with grpc.insecure_channel(server.grpc_url) as channel:
            call = channel.unary_unary(EXPORT).future(body, metadata=[("authorization", bearer(secrets[role]))])
            assert (call.exception().code() if call.exception() else None) is code
    assert server.send(body, Authorization=bearer(secrets["ingest"])).status == 200


def test_keys_change_without_a_restart(data: Path, start_server: Start) -> None:
    server = start_server()
    body = protobuf([span()])
    assert server.send(body, Authorization=bearer("cs_none")).status == 401
    first = keys(data, "create", "--name", "first", "--role", "ingest").strip()
    second = keys(data, "create", "--name", "second", "--role", "ingest").strip()
    assert [server.send(body, Authorization=bearer(secret)).status for secret in (first, second)] == [200, 200]
    keys(data, "revoke", "first")
    assert [server.send(body, Authorization=bearer(secret)).status for secret in (first, second)] == [401, 200]
    (data / "keys.yaml").write_text("keys: [what")
    assert server.send(body, Authorization=bearer(second)).status == 200
    assert "stay as they were" in server.errors()
    (data / "keys.yaml").unlink()
    assert server.send(body, Authorization=bearer(second)).status == 401


def test_the_key_of_the_environment_stands_beside_the_file(data: Path, start_server: Start) -> None:
    made = keys(data, "create", "--name", "ci", "--role", "ingest").strip()
    server = start_server(COSTSPAN_API_KEY="open sesame")
    assert server.send(protobuf([span()]), Authorization=bearer(made)).status == 200
    assert server.get("/api/v1/spend", Authorization=bearer(made)).status == 403
    assert server.get("/api/v1/spend", Authorization=bearer("open sesame")).status == 200


def test_a_file_of_keys_lets_the_server_listen_to_the_network(data: Path, start_server: Start) -> None:
    assert start_server("--host", "0.0.0.0").get("/healthz").status == 200


def test_a_damaged_file_of_keys_is_named_at_the_start(data: Path) -> None:
    (data / "keys.yaml").write_text("keys: [{name: a, sha256: abc, roles: [ingest]}]")
    refused = run_serve(data)
    assert refused.returncode == 2
    assert all(word in refused.stderr for word in ("keys.yaml", "keys[0]", "sha256"))


def test_a_key_over_its_quota_is_told_when_to_come_back(data: Path, start_server: Start) -> None:
    bounded = keys(data, "create", "--name", "bounded", "--role", "ingest", "--spans-per-minute", "10").strip()
    other = keys(data, "create", "--name", "other", "--role", "admin").strip()
    server = start_server()
    assert server.send(protobuf([span() for _ in range(60)]), Authorization=bearer(bounded)).status == 200
    refused = server.send(protobuf([span()]), Authorization=bearer(bounded))
    assert refused.status == 429
    assert 240 < int(refused.headers["retry-after"]) <= 306
    assert Status.FromString(refused.body).code == 8
    with grpc.insecure_channel(server.grpc_url) as channel:
        call = channel.unary_unary(EXPORT).future(b"", metadata=[("authorization", bearer(bounded))])
        error = call.exception()
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    details = Status.FromString(dict(error.trailing_metadata())["grpc-status-details-bin"]).details
    retry = RetryInfo()
    assert details[0].Unpack(retry)
    assert 240 < retry.retry_delay.seconds <= 306
    assert server.send(protobuf([span()]), Authorization=bearer(other)).status == 200
    metrics = server.get("/metrics", Authorization=bearer(other)).body.decode()
    assert 'costspan_key_over_quota_total{key="bounded"} 2.0' in metrics
    assert 'costspan_key_spans_total{key="bounded"} 60.0' in metrics


PLACES = {
    "a bearer token": {"Authorization": "Bearer {}"},
    "a password": {"Authorization": "Basic {}"},
    "a header without a scheme": {"Authorization": "{}"},
    "a header of another name": {"X_Api_Key": "{}"},
    "a cookie": {"Cookie": "session={}"},
    "a user agent": {"User_Agent": "{}"},
}


def test_no_secret_ever_stands_in_the_log(data: Path, start_server: Start) -> None:
    secret = keys(data, "create", "--name", "ci", "--role", "admin").strip()
    own = "the-key-of-the-environment"
    server = start_server(COSTSPAN_API_KEY=own)
    for presented in (secret, own, secret + "x"):
        for headers in PLACES.values():
            named = {name: value.format(presented) for name, value in headers.items()}
            server.get("/api/v1/spend", **named)
            server.get(f"/api/v1/spend?key={presented}", **named)
            server.request("POST", "/api/v1/reprice", presented.encode(), Content_Type=JSON, **named)
            server.send(presented.encode(), JSON, **named)
        with grpc.insecure_channel(server.grpc_url) as channel:
            channel.unary_unary(EXPORT).future(b"x", metadata=[("authorization", presented)]).exception()
    (data / "keys.yaml").write_text(f"keys: [{{name: a, secret: {secret}}}]")
    server.get("/api/v1/spend")
    assert "stay as they were" in server.errors()
    assert secret not in server.errors()
    assert own not in server.errors()
