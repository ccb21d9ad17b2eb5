"""Outages that are always undone, and what must survive them."""
