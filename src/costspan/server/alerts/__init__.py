"""Alerts: rules over the ledger, what state each is in, and telling whoever wants to know exactly once."""
