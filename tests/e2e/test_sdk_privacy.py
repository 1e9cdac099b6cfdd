"""Prompts and answers of the real client stay in the program; its own exporters send what it told them to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from otlp_receiver import OtlpReceiver
from sdk_program import OPENAI, environment, run_program

from costspan.testing.stub_provider import StubProvider

OWN_EXPORTER = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
own = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(own))
trace.set_tracer_provider(provider)
"""
EVERY_CALL = """
chat()
for _ in chat(stream=True, stream_options={"include_usage": True}): pass
client.responses.create(model="gpt-5", input="secret words")
client.embeddings.create(model="text-embedding-3-small", input="secret words")
configured.flush()
"""
CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    with OtlpReceiver() as listening:
        yield listening


@pytest.fixture
def variables(tmp_path: Path, receiver: OtlpReceiver) -> Iterator[dict[str, str]]:
    with StubProvider() as provider:
        yield environment(tmp_path, STUB_URL=provider.base_url, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint)


@pytest.mark.parametrize("mode", [None, "span_and_event"])
def test_no_content_leaves_whatever_the_instrumentation_was_told(
    variables: dict[str, str], receiver: OtlpReceiver, mode: str | None
) -> None:
    told = {CAPTURE: mode} if mode else {}
    code = (
        OPENAI
        + OWN_EXPORTER
        + "configured = costspan.configure()"
        + EVERY_CALL
        + "print(sum('secret words' in str(span.attributes) for span in own.get_finished_spans()))"
    )
    done = run_program(code, variables | told)
    assert len(receiver.spans) == 4
    assert [call["costspan.price_status"] for call in receiver.calls()] == ["priced"] * 4
    assert not [word for word in ("secret words", "Hello.") if word in repr(receiver.spans)]
    # What the program's own exporter sends is the program's to say.
    assert (int(done.stdout) > 0) == (mode is not None)


def test_content_leaves_where_costspan_is_told_so_and_through_the_redact_function(
    variables: dict[str, str], receiver: OtlpReceiver
) -> None:
    code = (
        OPENAI
        + "configured = costspan.configure(redact=lambda key, value: value.replace('secret', '[redacted]'))"
        + EVERY_CALL
    )
    run_program(code, variables | {"COSTSPAN_CAPTURE_CONTENT": "1"})
    everything = repr(receiver.spans)
    assert "secret" not in everything
    assert "[redacted] words" in everything
    assert "Hello." in everything


def test_a_redact_function_that_raises_costs_the_content_and_nothing_else(
    variables: dict[str, str], receiver: OtlpReceiver
) -> None:
    code = (
        "import logging; logging.basicConfig()\n"
        + OPENAI
        + "configured = costspan.configure(redact=lambda key, value: 1 / 0)"
        + EVERY_CALL
    )
    done = run_program(code, variables | {"COSTSPAN_CAPTURE_CONTENT": "1"})
    assert [call["costspan.price_status"] for call in receiver.calls()] == ["priced"] * 4
    assert "secret words" not in repr(receiver.spans)
    assert done.stderr.count("the redact function failed") == 1


def test_the_redact_function_may_be_named_in_the_environment(
    variables: dict[str, str], receiver: OtlpReceiver, tmp_path: Path
) -> None:
    (tmp_path / "own_rules.py").write_text("def mask(key, value): return value.replace('secret', '***')\n")
    told = {
        "COSTSPAN_CAPTURE_CONTENT": "1",
        "COSTSPAN_REDACT": "own_rules:mask",
        "PYTHONPATH": f"{variables['PYTHONPATH']}:{tmp_path}",
    }
    run_program(OPENAI + "configured = costspan.configure()" + EVERY_CALL, variables | told)
    assert "secret" not in repr(receiver.spans)
    assert "*** words" in repr(receiver.spans)
