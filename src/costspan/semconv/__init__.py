"""Telemetry names to `Call`: one dialect per file, one place where counts become disjoint."""
