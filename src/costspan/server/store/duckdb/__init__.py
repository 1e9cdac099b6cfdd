"""The embedded ledger: one DuckDB file, owned by one process."""
