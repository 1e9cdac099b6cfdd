"""Where two instrumentations could record one call, one span has its cost: real clients, real instrumentations."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from otlp_receiver import OtlpReceiver
from sdk_program import environment, run_program

from costspan.testing.stub_provider import StubProvider, StubUsage

# 50 input at $3, 1,000 read at $0.30, 200 written at $3.75 and 100 at $6, 77 output at $15 a million
CLAUDE_USD = 0.002955
# the same in a region of Bedrock, a tenth dearer
BEDROCK_USD = 0.0032505
BEDROCK_5M_USD = 0.003003
USAGE = StubUsage(
    input_tokens=1350, cached_tokens=1000, cache_write_tokens=300, cache_write_long_tokens=100, output_tokens=77
)

OFFICIAL_GOOGLE = "opentelemetry-instrumentation-google-genai"
GOOGLE_VERSION = version("google-genai")

ASK_CLAUDE = """
import os, anthropic
client = anthropic.Anthropic(base_url=os.environ["STUB_URL"], api_key="test")
asked = dict(model="claude-sonnet-4-5", max_tokens=64, messages=[{"role": "user", "content": "secret words"}])
client.messages.create(**asked)
with client.messages.stream(**asked) as stream:
    stream.until_done()
"""
ASK_BEDROCK = """
import os, boto3
client = boto3.client("bedrock-runtime", region_name="us-east-1", endpoint_url=os.environ["STUB_URL"],
                      aws_access_key_id="test", aws_secret_access_key="test")
asked = dict(modelId="us.anthropic.claude-sonnet-4-5-20250929-v1:0",
             messages=[{"role": "user", "content": [{"text": "secret words"}]}])
client.converse(**asked)
for _ in client.converse_stream(**asked)["stream"]: pass
"""
ASK_LANGCHAIN = """
import os
from langchain_openai import ChatOpenAI
model = ChatOpenAI(model="gpt-5", base_url=os.environ["STUB_URL"] + "/v1", api_key="test", use_responses_api=False)
model.invoke("secret words")
list(model.stream("secret words"))
"""
CONFIGURE = "import costspan; print(*costspan.configure().notes, sep=chr(10))\n"
INSTRUMENT_BOTOCORE = """
from opentelemetry.instrumentation.botocore import BotocoreInstrumentor
BotocoreInstrumentor().instrument()
"""


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    with OtlpReceiver() as listening:
        yield listening


@pytest.fixture
def variables(tmp_path: Path, receiver: OtlpReceiver) -> Iterator[dict[str, str]]:
    with StubProvider(usage=USAGE) as provider:
        yield environment(tmp_path, STUB_URL=provider.url, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint)


def costs(receiver: OtlpReceiver) -> list[float]:
    return [call["gen_ai.usage.cost_usd"] for call in receiver.calls() if "gen_ai.usage.cost_usd" in call]


def without(name: str) -> str:
    """Return the beginning of a program that cannot import `name`."""
    return f"import sys; sys.modules[{name!r}] = None\n"


def test_anthropic_s_own_spans_make_room_for_the_official_ones(
    variables: dict[str, str], receiver: OtlpReceiver
) -> None:
    run_program(CONFIGURE + ASK_CLAUDE, variables)
    assert [call["gen_ai.usage.cost_usd"] for call in receiver.calls()] == [CLAUDE_USD, CLAUDE_USD]


def test_anthropic_s_own_spans_that_the_user_wants_are_kept_and_the_others_marked(
    variables: dict[str, str], receiver: OtlpReceiver
) -> None:
    run_program(CONFIGURE + ASK_CLAUDE, variables | {"ANTHROPIC_OPEN_TELEMETRY": "true"})
    own = [span for span in receiver.spans if span.scope == "com.anthropic.sdk.python"]
    official = [span for span in receiver.spans if span.scope == "opentelemetry.instrumentation.genai.anthropic"]
    assert [span.attributes["gen_ai.usage.cost_usd"] for span in own] == [CLAUDE_USD, CLAUDE_USD]
    assert [span.attributes["costspan.duplicate_of"] for span in official] == [span.span_id for span in own]
    assert not any("gen_ai.usage.cost_usd" in span.attributes for span in official)


def test_a_client_made_before_configure_is_counted_once(variables: dict[str, str], receiver: OtlpReceiver) -> None:
    made, asked = ASK_CLAUDE.split("asked = ", 1)
    run_program(made + CONFIGURE + "asked = " + asked, variables)
    assert costs(receiver) == [CLAUDE_USD, CLAUDE_USD]


def test_anthropic_s_own_spans_do_where_the_official_package_is_not_installed(
    variables: dict[str, str], receiver: OtlpReceiver
) -> None:
    missing = without("opentelemetry.instrumentation.genai.anthropic")
    done = run_program(missing + CONFIGURE + ASK_CLAUDE, variables)
    assert costs(receiver) == [CLAUDE_USD, CLAUDE_USD]
    assert "anthropic left to make its own spans" in done.stdout.splitlines()


def test_the_instrumentation_of_all_of_aws_that_comes_second_counts_nothing_again(
    variables: dict[str, str], receiver: OtlpReceiver
) -> None:
    run_program(CONFIGURE + INSTRUMENT_BOTOCORE + ASK_BEDROCK, variables)
    assert len(receiver.calls()) == 4
    # Its span of the stream ends first and does not say for how long the cache was written.
    assert costs(receiver) == [BEDROCK_USD, BEDROCK_5M_USD]


def test_the_instrumentation_of_all_of_aws_is_left_alone_where_it_is_first(
    variables: dict[str, str], receiver: OtlpReceiver
) -> None:
    done = run_program(INSTRUMENT_BOTOCORE + CONFIGURE + ASK_BEDROCK, variables)
    assert "boto3 (Bedrock) left as another package instruments it" in done.stdout.splitlines()
    assert [call["gen_ai.system"] for call in receiver.calls()] == ["aws.bedrock", "aws.bedrock"]
    assert costs(receiver) == [BEDROCK_USD, BEDROCK_USD]


def test_langchain_around_openai_makes_one_span_of_a_call(variables: dict[str, str], receiver: OtlpReceiver) -> None:
    run_program(CONFIGURE + ASK_LANGCHAIN, variables)
    # 350 uncached at $1.25, 1,000 cached at $0.125 and 77 out at $10 a million
    assert [call["gen_ai.usage.cost_usd"] for call in receiver.calls()] == [0.0013325, 0.0013325]


def test_langgraph_is_instrumented_without_langchain(variables: dict[str, str], receiver: OtlpReceiver) -> None:
    missing = """
from importlib import metadata
found = metadata.version
def version(name):
    if name == "langchain":
        raise metadata.PackageNotFoundError(name)
    return found(name)
metadata.version = version
"""
    done = run_program(missing + CONFIGURE + ASK_LANGCHAIN, variables)
    assert "langchain instrumented" in done.stdout.splitlines()
    assert {span.scope for span in receiver.spans} == {"opentelemetry.instrumentation.genai.langchain"}


def test_each_client_s_line_says_who_instruments_it(variables: dict[str, str]) -> None:
    said = run_program(CONFIGURE, variables).stdout.splitlines()
    assert said[-5:] == [
        "openai instrumented",
        "anthropic instrumented",
        f"google-genai instrumented by costspan: {OFFICIAL_GOOGLE} does not take google-genai {GOOGLE_VERSION}",
        "boto3 (Bedrock) instrumented",
        "langchain instrumented",
    ]


def test_nothing_is_imported_for_a_program_that_asks_nobody(variables: dict[str, str]) -> None:
    clients = {"openai", "anthropic", "google.genai", "botocore", "langchain_core", "opentelemetry.util.genai"}
    run_program(CONFIGURE + f"import sys; assert not {clients!r} & set(sys.modules), sys.modules", variables)
