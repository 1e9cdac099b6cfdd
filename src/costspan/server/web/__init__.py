"""The HTTP face: OTLP in, API out, the dashboard."""
