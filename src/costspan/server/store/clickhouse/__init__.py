"""The ledger on ClickHouse: many receivers, one of which settles at a time."""
