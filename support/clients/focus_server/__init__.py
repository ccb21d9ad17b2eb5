"""Clients of Focus Server: single requests, raw connections, many at once."""
