"""Who counts: one owner per call, the rest duplicate or aggregate, each with its reason (accounting rules 5 to 7).

Pure functions over all records of the traces concerned, whatever order they came in.
"""
