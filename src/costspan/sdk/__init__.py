"""Wing one: runs inside the application. Needs OpenTelemetry and nothing else."""
