"""Clients of the Focus Server: single requests, raw connections, many requests at once."""
