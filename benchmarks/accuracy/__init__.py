"""What costspan, Phoenix and MLflow say the same telemetry cost, beside what the provider billed.

`python -m benchmarks.accuracy` (`make bench-accuracy`).
"""
