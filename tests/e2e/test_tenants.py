"""Tenants over HTTP and gRPC: a key's telemetry is its tenant's, and a tenant's key sees nobody else's on any route."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import grpc
import pytest
from api_keys import bearer, keys

from bodies import PLAIN_CALL, protobuf, span
from serving import Server

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
TRACE = "ab" * 16
THEIRS = "cd" * 16
ALL_TIME = "since=2026-01-01&until=2027-01-01"
MARK = "only-tenant-b-says-this"
SAYS = (
    "feature", "team", "user.id", "session.id", "gen_ai.agent.name", "gen_ai.request.model", "gen_ai.response.model",
    "gen_ai.response.id", "gen_ai.prompt.name", "costspan.tag.note", "deployment.environment.name", "gen_ai.tool.name",
)  # fmt: skip
TOOL = {"gen_ai.operation.name": "execute_tool"}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, dict[str, str]]]:
    """A ledger of two tenants that share trace, span and response ids, and the keys to it."""
    folder = tmp_path_factory.mktemp("tenants") / "data"
    folder.mkdir()
    (folder / "costspan.yaml").write_text("auth: {keys_file: keys.yaml}\n")
    secrets = {"admin": keys(folder, "create", "--name", "admin", "--role", "admin").strip()}
    for tenant in ("a", "b"):
        made = keys(folder, "create", "--name", tenant, "--role", "ingest", "--role", "read", "--tenant", tenant)
        secrets[tenant] = made.strip()
    server = Server(folder)
    common = {"number": 1, "trace_id": bytes.fromhex(TRACE)}
    mine = protobuf([span({**PLAIN_CALL, "gen_ai.response.id": "r"}, **common)], service="shop")
    spoken = {**PLAIN_CALL, **dict.fromkeys(SAYS, MARK)}
    beside = {"number": 2, "trace_id": bytes.fromhex(TRACE)}
    theirs = protobuf(
        [
            span({**PLAIN_CALL, "gen_ai.response.id": "r"}, **common),
            span(spoken, parent_span_id=(1).to_bytes(8, "big"), **beside),
            span({**spoken, **TOOL}, number=3, trace_id=bytes.fromhex(TRACE), parent_span_id=(1).to_bytes(8, "big")),
            span(spoken, number=4, trace_id=bytes.fromhex(THEIRS)),
        ],
        service=MARK,
    )
    assert server.send(mine, Authorization=bearer(secrets["a"])).status == 200
    with grpc.insecure_channel(server.grpc_url) as channel:
        export = channel.unary_unary(EXPORT)
        assert export(theirs, metadata=[("authorization", bearer(secrets["b"]))], timeout=30) == b""
    yield server, secrets
    server.kill()


def questions(server: Server, secret: str) -> list[str]:
    """Return every question the API describes, plainly asked and asked so as to get at another tenant."""
    paths = server.get("/openapi.json", Authorization=bearer(secret)).document["paths"]
    plain = [path.replace("{trace_id}", TRACE) for path, methods in paths.items() if "get" in methods]
    keyed = (
        "model,provider,requested_model,response_model,feature,team,user,environment,service,session,agent,tool,tenant"
    )
    return [
        *plain,
        *(f"{path}?{ALL_TIME}" for path in plain),
        "/metrics",
        f"/api/v1/traces/{THEIRS}",
        f"/api/v1/traces/{THEIRS[:6]}",
        f"/api/v1/traces/{TRACE[:6]}",
        *(f"/api/v1/spend?{ALL_TIME}&group_by={key}" for key in (*keyed.split(","), keyed, "tag.note")),
        *(f"/api/v1/spend?{ALL_TIME}&filter={key}:{MARK}" for key in keyed.split(",")),
        *(f"/api/v1/calls?{ALL_TIME}&filter=tenant:{value}" for value in ("b", "!a", "", "!", "a")),
        *(f"/api/v1/tools?{ALL_TIME}&filter=tenant:{value}" for value in ("b", "!a", "", "!", "a")),
        f"/api/v1/spend?{ALL_TIME}&filter=tenant:a&filter=tenant:b&group_by=tenant,feature",
        *(f"/api/v1/{path}?group_by={keyed}" for path in ("forecast", "growth", "whatif")),
        *(f"/api/v1/{path}?{ALL_TIME}&group_by={keyed}&filter=tenant:b" for path in ("growth", "whatif", "latency")),
        f"/api/v1/latency?{ALL_TIME}&group_by={keyed}",
        f"/api/v1/whatif?{ALL_TIME}&group_by={keyed}&mode=batch",
        f"/api/v1/whatif?{ALL_TIME}&group_by={keyed}&from=gpt-5&to=gpt-4o",
        f"/api/v1/calls?{ALL_TIME}&role=all&limit=1000&filter={quote('tag.note:' + MARK)}",
        f"/api/v1/calls?{ALL_TIME}&role=all&limit=1000",
        f"/api/v1/calls?{ALL_TIME}&role=all&format=csv",
        f"/api/v1/spend?{ALL_TIME}&group_by={keyed}&format=csv",
    ]


def test_a_tenants_key_never_sees_another_tenant(filled: tuple[Server, dict[str, str]]) -> None:
    server, secrets = filled
    asked = questions(server, secrets["a"])
    assert len(asked) > 50
    for question in asked:
        answer = server.get(question, Authorization=bearer(secrets["a"]))
        assert answer.status in (200, 400, 403, 404), question
        assert answer.status != 200 or MARK not in answer.body.decode(), question
        assert server.get(question).status == (200 if question.startswith(("/healthz", "/readyz")) else 401)


def test_what_is_not_kept_apart_is_not_answered(filled: tuple[Server, dict[str, str]]) -> None:
    server, secrets = filled
    described = server.get("/openapi.json", Authorization=bearer(secrets["a"])).document["paths"]
    answered = {
        path
        for path in (*described, "/metrics")
        if server.get(path.replace("{trace_id}", TRACE), Authorization=bearer(secrets["a"])).status != 403
    }
    assert answered == {
        "/api/v1/spend", "/api/v1/calls", "/api/v1/tools", "/api/v1/traces/{trace_id}", "/healthz", "/readyz",
        "/api/v1/anomalies", "/api/v1/forecast", "/api/v1/growth", "/api/v1/whatif",
        "/api/v1/latency",
    }  # fmt: skip
    assert server.request("POST", "/api/v1/reprice", b"{}", Authorization=bearer(secrets["a"])).status == 403


def test_each_tenant_has_its_own_calls_and_the_admin_has_all(filled: tuple[Server, dict[str, str]]) -> None:
    server, secrets = filled

    def ask(path: str, who: str) -> dict:
        answer = server.get(f"{path}?{ALL_TIME}", Authorization=bearer(secrets[who]))
        assert answer.status == 200, answer.body
        return answer.document

    totals = {who: ask("/api/v1/spend", who)["total"] for who in ("a", "b", "admin")}
    counted = {who: (each["calls"], each["duplicate_calls"]) for who, each in totals.items()}
    assert counted == {"a": (1, 0), "b": (3, 1), "admin": (4, 1)}, "b's last span repeats a response of its own"
    assert [row["tenant"] for row in ask("/api/v1/calls", "a")["rows"]] == ["a"]
    trace = server.get(f"/api/v1/traces/{TRACE}", Authorization=bearer(secrets["a"])).document
    assert [each["span_id"] for each in trace["spans"]] == [f"{1:016x}"]
    assert server.get(f"/api/v1/traces/{THEIRS}", Authorization=bearer(secrets["a"])).status == 404


def test_a_tenant_is_stamped_after_a_restart_as_before(tmp_path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "costspan.yaml").write_text("auth: {keys_file: keys.yaml}\n")
    secrets = [
        keys(folder, "create", "--name", t, "--role", "ingest", "--role", "read", "--tenant", t).strip() for t in "ab"
    ]
    body = protobuf([span(number=77)])
    for _ in range(2):
        server = Server(folder)
        try:
            for secret in secrets:
                assert server.send(body, Authorization=bearer(secret)).status == 200
                spend = server.get(f"/api/v1/spend?{ALL_TIME}", Authorization=bearer(secret))
                assert spend.document["total"]["calls"] == 1
        finally:
            server.stop()


def test_an_admin_belongs_to_no_tenant(tmp_path) -> None:
    assert "tenant" in keys(tmp_path, "create", "--name", "x", "--role", "admin", "--tenant", "a", code=2)
