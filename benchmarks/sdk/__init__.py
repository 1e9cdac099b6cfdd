"""What a client library's call costs the application once somebody watches it: costspan beside its peers.

`inside/` runs in the peers' own environments and imports nothing of ours; the rest prepares, drives and tabulates.
"""
