"""The dashboard's questions to a large ledger: how long each takes from rows, and from roll-ups, in one run."""
