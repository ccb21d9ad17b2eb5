"""The quality of the recording index. Everything here only reads."""
