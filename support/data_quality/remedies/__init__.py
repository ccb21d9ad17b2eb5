"""Remedies for the recording index: planned from its current state, carried out on request, undone from a file."""
