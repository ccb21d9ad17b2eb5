"""The client of the recording index."""
