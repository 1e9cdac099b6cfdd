"""What the first page of the dashboard costs a browser: bytes, requests, first paint, main-thread time.

Beside Phoenix's projects page, without data, where Phoenix is installed.
"""
