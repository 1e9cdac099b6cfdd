"""Raw bodies to committed ledger lines: decode, normalize, settle, price, commit; then the answer is sent."""
