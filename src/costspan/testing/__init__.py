"""Public test tools: span builders per dialect, a stub provider, scenarios."""
