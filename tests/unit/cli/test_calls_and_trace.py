"""`costspan calls` and `costspan trace` on a data folder: what a person reads."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from costspan.cli.main import main
from costspan.pricing.load import load_rate_card
from costspan.semconv.normalize import read_call, read_link
from costspan.server.pipeline.settlement import post
from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.entry import Batch
from costspan.testing.doubled_trace import INNER, OUTER, TRACE_ID, doubled_trace
from costspan.testing.spans import otel_genai, sample_call

MODEL = "test-model"
PRICES = [{"provider": "openai", "model": MODEL, "input": "2.50", "cache_read": "0.25", "output": "15.00"}]
OTHER_TRACE = "0af7651916cd43dd8448eb211c80319c"
LATER_NS = 60_000_000_000 + sample_call().started_at_ns

TABLE = """\
Time                 Trace         Service    Feature    Model              Input  Cached  Output     Cost  Status
-------------------  ------------  ---------  ---------  -----------------  -----  ------  ------  -------  ------------------------------------------------------
2026-11-01 12:01:00  0af7651916cd  sample     (not set)  test-model             –       –       –        –  failed: rate_limit
2026-11-01 12:01:00  0af7651916cd  sample     (not set)  acme-internal-70b  1,000       0     200        –  unpriced: no price list of openai has a model 'acme- …
2026-11-01 12:01:00  0af7651916cd  sample     (not set)  test-model             –       –       –        –  usage missing: no token counts
2026-11-01 12:00:06  5b8efff79803  assistant  search     test-model         1,000       0     200  $0.0055  priced
2026-11-01 12:00:02  5b8efff79803  assistant  search     test-model         1,000       0     200  $0.0055  priced

2026-11-01 to 2026-12-01, UTC. All 5. One of them: costspan trace ID
"""  # noqa: E501 - as wide as it is printed

TREE = """\
trace 5b8efff798038103d269b633813fc60c, 2026-11-01T12:00:00Z

span eeeeeeeeeeeeeeee  $0.011 below
└─ invoke_agent test-model  ($0.011 not counted)  aggregate: sums up the calls below it
   │  tokens: 2,000 input, 0 cached, 400 output
   │  span aaaaaaaaaaaaaaaa, recorded by acme.agents 2.1.0 (otel_genai)
   ├─ chat test-model  ($0.0055 not counted)  duplicate of cccccccccccccccc: same response id
   │  │  tokens: 1,000 input, 0 cached, 200 output
   │  │  span bbbbbbbbbbbbbbbb, recorded by opentelemetry.instrumentation.openai.v1 0.62.4 (openllmetry)
   │  └─ chat test-model  $0.0055  priced
   │        tokens: 1,000 input, 0 cached, 200 output
   │        span cccccccccccccccc, recorded by opentelemetry.instrumentation.genai.openai 1.3b0 (otel_genai)
   │        rate: openai/test-model/standard/always@organisation, overlay literal test-model
   └─ chat test-model  $0.0055  priced
         tokens: 1,000 input, 0 cached, 200 output
         span dddddddddddddddd, recorded by opentelemetry.instrumentation.genai.openai 1.3b0 (otel_genai)
         rate: openai/test-model/standard/always@organisation, overlay literal test-model

Corrected:
  2026-11-20 09:30:00  bbbbbbbbbbbbbbbb  $0.0055 taken back: owner became duplicate: same response id

Counted: $0.011 for 2 calls. Not counted: $0.016 in 1 duplicate and 1 aggregate.
"""


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """A ledger with one doubled trace, whose outer record came first, and calls without a price, usage and answer."""
    spans = doubled_trace(model=MODEL)
    said = {"trace_id": OTHER_TRACE, "started_at_ns": LATER_NS}
    others = [
        otel_genai(sample_call(**said, span_id="1" * 16, response_id="x1", requested_model="acme-internal-70b")),
        otel_genai(sample_call(**said, span_id="2" * 16, response_id="x2", requested_model=MODEL, usage=None)),
        otel_genai(sample_call(**said, span_id="3" * 16, requested_model=MODEL, error_type="openai.RateLimitError")),
    ]
    data = tmp_path / "ledger"
    store = DuckDBStore(data, clock=lambda: datetime(2026, 11, 20, 9, 30, tzinfo=UTC))
    card = load_rate_card(PRICES)
    for batch in ([spans[OUTER]], [*spans.values()], others):
        read = [(span, read_call(span)) for span in batch]
        links = [read_link(span) for span, call in read if call is None]
        post(store, Batch([call for _, call in read if call], links), card)
    store.close()
    (data / "costspan.yaml").write_text(json.dumps({"prices": PRICES}), "utf-8")
    return str(data)


def test_the_table_says_of_each_call_what_its_cost_rests_on(folder, capsys) -> None:
    assert main(["calls", "--since", "2026-11", "--data", folder]) == 0

    assert capsys.readouterr().out == TABLE


def test_the_trace_is_a_tree_with_costs_and_reasons(folder, capsys) -> None:
    assert main(["trace", TRACE_ID[:8], "--data", folder]) == 0

    assert capsys.readouterr().out == TREE


def test_a_trace_without_a_figure_says_what_is_missing(folder, capsys) -> None:
    assert main(["trace", OTHER_TRACE, "--data", folder]) == 0

    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "Counted: – for 3 calls (2 without a price, 1 failed). Nothing was recorded twice."


def test_records_that_do_not_count_name_the_one_that_does(folder, capsys) -> None:
    assert main(["calls", "--since", "2026-11", "--role", "duplicate", "--data", folder]) == 0

    assert f"duplicate of {INNER}: same response id" in capsys.readouterr().out


def test_a_limit_above_a_page_is_read_page_by_page(folder, capsys) -> None:
    assert main(["calls", "--since", "2026-11", "--limit", "2500", "--order", "cost", "--json", "--data", folder]) == 0

    document = json.loads(capsys.readouterr().out)
    assert [row["cost_usd"] for row in document["rows"]] == ["0.0055", "0.0055", None, None, None]
    assert document["next_cursor"] is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["trace", "000000"], "no trace 000000 is recorded"),
        (["trace", "5b8e"], "is not 32 hexadecimal digits, or at least the first 6 of them"),
        (["trace", "a/b"], "trace id 'a/b' is not hexadecimal"),
        (["calls", "--limit", "0"], "--limit 0 is not above 0"),
        (["calls", "--where", "colour:red"], "unknown key 'colour'; known: model"),
    ],
)
def test_what_cannot_be_shown_is_wrong_usage(folder, capsys, words, said) -> None:
    assert main([*words, "--data", folder]) == 2
    assert said in capsys.readouterr().err


def test_nothing_found_says_how_to_look_further(folder, capsys) -> None:
    assert main(["calls", "--since", "2026-10", "--data", folder]) == 0

    assert capsys.readouterr().out.startswith("No such calls between 2026-10-01T00:00:00Z and 2026-11-01T00:00:00Z")


def test_a_server_is_asked_the_same_questions(stub_server, capsys) -> None:
    stub_server.spend = {"status": 404, "detail": "no trace abcdef is recorded", "title": "Not Found"}

    assert main(["trace", "abcdef", "--url", stub_server.url]) == 2
    assert capsys.readouterr().err == "costspan: no trace abcdef is recorded\n"
    assert stub_server.asked == [("/api/v1/traces/abcdef", [])]
