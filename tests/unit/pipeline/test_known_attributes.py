"""Attributes that are remembered, or of which only the value is parsed, say what they said when they were new."""

from __future__ import annotations

import pytest
from google.protobuf.message import DecodeError

from bodies import protobuf, span
from costspan.server.pipeline import views
from costspan.server.pipeline.any_value import MAX_VALUES_OF_A_NAME, protobuf_attributes
from costspan.server.pipeline.decode_protobuf import decode_traces

MANY = MAX_VALUES_OF_A_NAME + 5


def encoded(name: str, **value: object) -> bytes:
    return views.KeyValue(key=name, value=value).SerializeToString()


@pytest.mark.parametrize(
    "values",
    [
        [{"string_value": f"é{number}"} for number in range(MANY)],
        [{"int_value": number - 3} for number in range(MANY)],
        [{"int_value": (number << 40) - 2} for number in range(MANY)],
        [{"double_value": number / 2} for number in range(MANY)],
        [{"string_value": "x" * number} for number in range(MANY)],
        [{"array_value": {"values": [{"int_value": number}]}} for number in range(MANY)],
    ],
)
def test_ever_new_values_of_one_name_are_read_as_the_first_ones(values: list[dict[str, object]]) -> None:
    def plain(value: dict[str, object]) -> object:
        [held] = value.values()
        return tuple(one["int_value"] for one in held["values"]) if isinstance(held, dict) else held

    name = f"ever.new.{next(iter(values[0]))}.{len(str(values[1]))}"
    read = [protobuf_attributes([encoded(name, **value)])[name] for value in values]
    assert read == [plain(value) for value in values]
    assert protobuf_attributes([encoded(name, bool_value=True)]) == {name: True}
    assert protobuf_attributes([views.KeyValue(key=name).SerializeToString()]) == {name: None}


def test_damage_in_a_name_with_ever_new_values_is_still_damage() -> None:
    for number in range(MANY):
        protobuf_attributes([encoded("damaged.late", string_value=str(number))])
    whole = encoded("damaged.late", string_value="abcdef")
    with pytest.raises(DecodeError):
        protobuf_attributes([whole[:-2]])
    with pytest.raises(DecodeError):
        protobuf_attributes([whole.replace(b"cd", b"\xff\xfe")])


def test_an_attribute_that_says_its_value_twice_has_the_last() -> None:
    for number in range(MANY):
        protobuf_attributes([encoded("said.twice", int_value=number + 1)])
    first, second = encoded("said.twice", int_value=7), encoded("", int_value=9)
    assert protobuf_attributes([first + second]) == {"said.twice": 9}


def test_a_status_is_read_whatever_its_length() -> None:
    statuses = [{}, {"code": 2}, {"code": 2, "message": "no"}, {"code": 2}, {"message": "x" * 300}]
    spans = [span({"gen_ai.operation.name": "chat"}, status=status) for status in statuses]
    records = [record for one in spans for record in decode_traces(protobuf([one]), (b"gen_ai.",)).records]
    assert [(record.status_code, record.status_message) for record in records] == [
        (0, ""), (2, ""), (2, "no"), (2, ""), (0, "x" * 300),
    ]  # fmt: skip
