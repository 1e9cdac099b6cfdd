"""Both engines at one and ten million calls and beyond: what a call costs to take in, and what questions cost."""
