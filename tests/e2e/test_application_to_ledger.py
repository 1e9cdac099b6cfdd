"""From a real client library in an application to money in a running server's ledger."""

from __future__ import annotations

from sdk_program import OPENAI, environment, run_program

from costspan.testing.stub_provider import StubProvider, StubUsage

PROGRAM = (
    OPENAI
    + """
configured = costspan.configure(service_name="shop")
with costspan.attribute(feature="summary", team="docs", user_id="u-42"):
    chat()
    for chunk in chat(stream=True, stream_options={"include_usage": True}):
        pass
    for chunk in chat(stream=True, stream_options={"include_usage": False}):
        pass
chat(model="in-house-7")
configured.flush()
"""
)


def test_every_call_of_the_openai_client_is_in_the_ledger_priced_or_said_not_to_be(server, tmp_path):
    usage = StubUsage(input_tokens=1000, cached_tokens=200, output_tokens=50)
    with StubProvider(usage=usage) as provider:
        run_program(PROGRAM, environment(tmp_path, STUB_URL=provider.base_url, COSTSPAN_URL=f"http://{server.url}"))
    spend = server.spend(group_by="model,feature,team")
    rows = {(row["model"], row["feature"], row["team"]): row for row in spend["rows"]}
    gpt_5, in_house = rows["gpt-5", "summary", "docs"], rows["in-house-7", None, None]
    assert (gpt_5["calls"], gpt_5["billed_calls"], gpt_5["usage_missing_calls"]) == (3, 2, 1)
    assert (gpt_5["input_tokens"], gpt_5["cache_read_tokens"], gpt_5["output_tokens"]) == (1600, 400, 100)
    # Two calls of 800 x $1.25, 200 x $0.125 and 50 x $10 per million.
    assert gpt_5["cost_usd"] == "0.00305"
    assert (in_house["unpriced_calls"], in_house["cost_usd"]) == (1, None)
    assert spend["total"]["duplicate_calls"] == 0
    [user] = [row["user"] for row in server.spend(group_by="user")["rows"] if row["user"]]
    assert user != "u-42"


def test_names_of_one_s_own_are_read_by_the_mappings_of_the_configuration(start_server, tmp_path):
    from bodies import protobuf, span

    settings = tmp_path / "own.yaml"
    settings.write_text(
        "mappings:\n"
        "  - scope: acme.llm\n"
        "    provider: openai\n"
        "    convention: exclusive\n"
        "    fields: {input: acme.in, output: acme.out, cache_read: acme.cached, model: acme.model, team: acme.squad}\n"
    )
    server = start_server("--config", str(settings))
    said = {"acme.in": 1000, "acme.out": 100, "acme.cached": 400, "acme.model": "gpt-4o", "acme.squad": "search"}
    assert server.send(protobuf([span(said)], scope="acme.llm")).status == 200
    [row] = server.spend(group_by="model,team")["rows"]
    # 1,000 x $2.50, 400 x $1.25 and 100 x $10 per million.
    assert (row["model"], row["team"], row["cost_usd"]) == ("gpt-4o", "search", "0.004")


RETRYING = (
    OPENAI
    + """
from opentelemetry import trace
configured = costspan.configure(service_name="shop")
patient = client.with_options(max_retries=0)
with trace.get_tracer("app").start_as_current_span("summarise"), costspan.attribute(feature="summary"):
    for attempt in range(3):
        try:
            patient.chat.completions.create(model="gpt-5", messages=[])
            break
        except openai.RateLimitError:
            continue
configured.flush()
"""
)


def test_a_loop_that_tries_again_is_three_attempts_and_one_cost(server, tmp_path):
    usage = StubUsage(input_tokens=1000, output_tokens=50)
    with StubProvider(usage=usage, rate_limited=2) as provider:
        variables = environment(tmp_path, STUB_URL=provider.base_url, COSTSPAN_URL=f"http://{server.url}")
        run_program(RETRYING, variables)
    total = server.spend(group_by="feature")["total"]
    assert (total["calls"], total["errors"], total["retries"]) == (3, 2, 2)
    # 1,000 x $1.25 and 50 x $10 per million, once.
    assert total["cost_usd"] == "0.00175"
    assert {row["attempt"]: row["errors"] for row in server.spend(group_by="attempt")["rows"]} == {
        "1": 1,
        "2": 1,
        "3": 0,
    }
