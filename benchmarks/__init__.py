"""Measurements beside other tools: what they say a month costs (`accuracy`), what taking it in takes (`ingest`), and
what watching a call adds to it (`sdk`).
"""
