"""The quality of the recording index. Only the remedies write."""
