"""What leaves the ledger for other tools."""
