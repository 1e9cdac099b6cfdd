"""The ledger's ports, their meaning in memory, and the engines that keep them."""
