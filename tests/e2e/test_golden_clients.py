"""What leaves a program for every way of calling each client, compared with golden files, and priced alike by our
server. OpenAI's are in `test_golden_openai.py`."""

from __future__ import annotations

import pytest
from golden import FOLDER, Captured, Golden, capture, server_costs

from serving import Server


@pytest.fixture(scope="module", params=["anthropic", "google_genai", "bedrock", "langchain"])
def client(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def captured(client: str, tmp_path_factory: pytest.TempPathFactory) -> Captured:
    return capture(f"golden_modes_{client}", tmp_path_factory.mktemp("golden"))


def test_the_spans_of_every_mode_are_those_of_its_golden_file(client: str, captured: Captured, golden: Golden) -> None:
    modes = {span["attributes"]["feature"] for span in captured.spans}
    for mode in sorted(modes):
        golden.check(client, mode, captured.mode(mode))
    assert modes == {path.stem for path in (FOLDER / client).iterdir()} - {"metrics"}


def test_the_metrics_of_all_modes_are_those_of_the_golden_file(client: str, captured: Captured, golden: Golden) -> None:
    golden.check(client, "metrics", captured.points())


def test_no_word_of_a_prompt_or_an_answer_leaves(captured: Captured) -> None:
    sent = b"".join(captured.traces + captured.metrics)
    assert [word for word in (b"secret", b"Hello.", b"sunny") if word in sent] == []


def test_the_server_makes_the_same_cost_of_the_same_bytes(captured: Captured, server: Server) -> None:
    assert captured.costs() == server_costs(server, captured)
