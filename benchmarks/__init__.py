"""Measurements beside other tools: what they say a month costs (`accuracy`), and what taking it in takes (`ingest`)."""
