"""What a series has counted since its last point."""

from __future__ import annotations

from costspan.core.call import UsageState
from costspan.core.record import MetricPoint, Temporality
from costspan.core.units import Unit
from costspan.semconv.metrics import MetricState, read_points

from .metric_points import MINUTE_NS, START_NS, claude, read_once, token_sum, totals

CUMULATIVE = Temporality.CUMULATIVE


def grown(value: float, minute: int, since_minute: int = 0) -> MetricPoint:
    return claude("output", value, minute=minute, since_minute=since_minute, temporality=CUMULATIVE)


def read_in_turn(*requests: list[MetricPoint]) -> list[int]:
    """Return the output tokens each request adds."""
    state, added = MetricState(), []
    for points in requests:
        calls, state = read_points(points, state)
        added.append(sum(call.usage.output_tokens for call in calls))
    return added


def test_the_first_point_counts_from_its_start() -> None:
    (call,) = read_once([grown(500, minute=7)])
    assert call.usage[Unit.OUTPUT] == 500
    assert (call.started_at_ns, call.ended_at_ns) == (START_NS, START_NS + 7 * MINUTE_NS)


def test_a_later_point_counts_the_difference_since_the_last() -> None:
    calls, state = read_points([grown(500, minute=1)], MetricState())
    later, _ = read_points([grown(620, minute=2)], state)
    assert [call.usage[Unit.OUTPUT] for call in later] == [120]
    assert later[0].started_at_ns == calls[0].ended_at_ns


def test_points_of_one_request_are_read_in_the_order_of_their_time() -> None:
    assert totals(read_once([grown(620, minute=2), grown(500, minute=1)])) == {Unit.OUTPUT: 620}


def test_a_repeated_an_idle_and_a_late_point_add_nothing() -> None:
    assert read_in_turn(
        [grown(500, minute=2)], [grown(500, minute=2)], [grown(500, minute=3)], [grown(400, minute=1)]
    ) == [500, 0, 0, 0]


def test_a_value_that_fell_counts_from_zero() -> None:
    assert read_in_turn([grown(500, minute=1)], [grown(80, minute=2)], [grown(90, minute=3)]) == [500, 80, 10]


def test_a_new_start_counts_from_zero_even_where_the_value_grew() -> None:
    assert read_in_turn([grown(500, minute=1)], [grown(700, minute=9, since_minute=8)]) == [500, 700]


def test_two_processes_that_look_alike_do_not_reset_each_other() -> None:
    assert read_in_turn(
        [grown(500, minute=3, since_minute=1)],
        [grown(90, minute=4, since_minute=2)],
        [grown(510, minute=5, since_minute=1)],
        [grown(95, minute=6, since_minute=2)],
    ) == [500, 90, 10, 5]


def test_requests_of_a_histogram_are_differences_too() -> None:
    def histogram(value: float, count: int, minute: int) -> MetricPoint:
        attributes = {"gen_ai.token.type": "output", "gen_ai.request.model": "gpt-4o"}
        return token_sum(
            "gen_ai.client.token.usage", value, attributes, minute=minute, temporality=CUMULATIVE, count=count
        )

    first, state = read_points([histogram(100.0, 2, 1)], MetricState())
    second, _ = read_points([histogram(175.0, 5, 2)], state)
    assert [call.call_count for call in (*first, *second)] == [2, 3]


def test_a_cumulative_cost_is_a_difference_without_a_float_s_noise() -> None:
    def cost(value: float, minute: int) -> MetricPoint:
        attributes = {"model": "claude-sonnet-4-6", "user.id": "u1", "session.id": "s1"}
        scope = "com.anthropic.claude_code"
        return token_sum(
            "claude_code.cost.usage", value, attributes, minute=minute, temporality=CUMULATIVE, scope=scope
        )

    _, state = read_points([cost(0.1, 1), grown(10, 1)], MetricState())
    (call,), _ = read_points([cost(0.3, 2), grown(20, 2)], state)
    assert call.reported_cost == 200_000_000_000


def test_deltas_need_no_memory() -> None:
    state = MetricState()
    calls, after = read_points([claude("output", 5)], state)
    assert after is state
    assert totals(calls) == {Unit.OUTPUT: 5}


def test_a_delta_that_comes_twice_in_one_request_counts_once() -> None:
    assert totals(read_once([claude("output", 5), claude("output", 5)])) == {Unit.OUTPUT: 5}


def test_a_request_delivered_twice_has_the_same_identities() -> None:
    points = [claude("input", 3), claude("output", 5)]
    assert [call.identity for call in read_once(points)] == [call.identity for call in read_once(points[::-1])]


def test_the_series_idle_for_longest_is_forgotten_and_its_return_is_a_doubt() -> None:
    def model(name: str, value: int, minute: int) -> MetricPoint:
        return token_sum(
            "claude_code.token.usage", value, {"type": "output", "model": name}, minute=minute, temporality=CUMULATIVE
        )

    _, state = read_points([model("a", 10, 1), model("b", 10, 2), model("c", 10, 3)], MetricState(), limit=2)
    assert len(state.series) == 2
    (back,), _ = read_points([model("a", 15, 4)], state, limit=2)
    (kept,), _ = read_points([model("c", 15, 4)], state, limit=2)
    assert (back.usage[Unit.OUTPUT], back.usage_state) == (15, UsageState.ASSUMED)
    assert back.usage_note == "the series may have been forgotten since its last point; counted from its start"
    assert (kept.usage[Unit.OUTPUT], kept.usage_state) == (5, UsageState.REPORTED)
