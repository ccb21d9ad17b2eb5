"""Remedies for the recording index: planned from what is there, carried out on request, taken back from a file."""
