"""Wing two: runs beside the application. Everything here may use the `[server]` extra."""
