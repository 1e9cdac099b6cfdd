"""The ledger beside the provider's bill: what differs, and why, in dollars that add up (accounting rule 10)."""
