"""What it takes to take spans in: spans per CPU-second, latency and memory of `costspan serve`, beside Phoenix.

`python -m benchmarks.ingest`; `make bench` runs it small.
"""
