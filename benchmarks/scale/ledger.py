"""The ledger of `benchmarks.query` on ClickHouse: the same thirty days, written by the server's own SQL."""

from __future__ import annotations

from typing import Final

from benchmarks.query.ledger import DAYS, SINCE
from costspan.core.units import Unit
from costspan.server.store.clickhouse.snapshot import SEQUENCE_BITS
from costspan.server.store.clickhouse.store import ClickHouseStore
from costspan.server.store.entry import Batch, Posting

_STEP: Final = 1_000_000
_POSTED_TOGETHER: Final = 5_000
_SINCE_US: Final = int(SINCE.timestamp()) * 1_000_000
_PRICED: Final = "chance % 97 <> 0"


def _priced(amount: str) -> str:
    return f"if({_PRICED}, {amount}, NULL)"


_COLUMNS: Final = {
    "sign": "1",
    "posted_at": f"fromUnixTimestamp64Micro(toInt64({_SINCE_US} + intDiv(i, {_POSTED_TOGETHER}) "
    f"* {_POSTED_TOGETHER} * <apart>), 'UTC')",
    "entry_id": "i + 1",
    "key": "reinterpretAsFixedString(generateUUIDv4(i))",
    "digest": "''",
    "as_received": "true",
    "signal": "'span'",
    "call_count": "1",
    "trace_id": "MD5(toString(intDiv(i, 6)))",
    "span_id": "i",
    "started_at": f"fromUnixTimestamp64Micro(toInt64({_SINCE_US} + i * <apart>), 'UTC')",
    "started_ns": "0",
    "duration_ns": "toInt64(exp(randCanonical(1) * 4 + 6) * 1e6)",
    "ttft_ns": "toInt64(exp(randCanonical(2) * 3 + 5) * 1e6)",
    "role": "if(chance % 20 = 0, 'duplicate', 'owner')",
    "dialect": "'otel_genai'",
    "operation": "'chat'",
    "provider": "['openai', 'anthropic', 'google'][1 + model_number % 3]",
    "model": "concat('model-', toString(model_number))",
    "requested_model": "concat('model-', toString(model_number))",
    "response_model": "concat('model-', toString(model_number))",
    "mode": "'standard'",
    "finish_reason": "if(chance % 50 = 0, 'length', 'stop')",
    "error_type": f"if({_PRICED}, NULL, ['timeout', 'rate_limit'][1 + chance % 2])",
    "attempt": "1",
    "service": "concat('service-', toString(feature_number % 4))",
    "environment": "'production'",
    "feature": "concat('feature-', toString(feature_number))",
    "team": "concat('team-', toString(feature_number % 5))",
    "user_id": "concat('user-', toString(toUInt32(40000 * pow(randCanonical(3), 3))))",
    "q_input": "toInt64(randCanonical(4) * 5000)",
    "q_output": "toInt64(randCanonical(5) * 800)",
    "q_cache_read": "toInt64(randCanonical(6) * 3000)",
    "tokens": "5000",
    "usage_state": "'reported'",
    "price_status": "'priced'",
    "card_version": "'benchmark'",
    "cost": _priced("toInt64(randCanonical(7) * 1e10)"),
    "list_cost": _priced("5000000000"),
    "input_cost": _priced("2000000000"),
    "cache_read_cost": _priced("500000000"),
    "cache_write_cost": _priced("0"),
    "output_cost": _priced("3000000000"),
    "fee_cost": _priced("0"),
}


def write_ledger(store: ClickHouseStore, calls: int) -> int:
    """Write a ledger of so many calls into an empty database; return its size on disk in bytes."""
    store.try_to_hold()
    posting = ((store.lease.epoch or 0) << SEQUENCE_BITS) + 1
    values = {"posting": str(posting), **_COLUMNS}
    values |= {f"q_{unit}": "0" for unit in Unit if f"q_{unit}" not in values}
    told = ", ".join(values.values()).replace("<apart>", str(DAYS * 86_400 * 1_000_000 // calls))
    for first in range(0, calls, _STEP):
        columns = ", ".join(values)
        numbers = f"numbers({first}, {min(_STEP, calls - first)})"
        numbered = f"SELECT number AS i, cityHash64(number) % 1000003 AS chance FROM {numbers}"
        store.connection.execute(
            f"INSERT INTO calls ({columns}) SELECT {told} FROM (SELECT *, chance % 1009 % 20 AS model_number, "
            f"intDiv(chance, 1009) % 10 AS feature_number FROM ({numbered}))"
        )
    store.commit(Posting(Batch()))
    [(held,)] = store.connection.rows(
        "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = currentDatabase() AND table = 'calls'"
    )
    return int(held)
