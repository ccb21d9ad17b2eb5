"""The fault matrix: every scenario seen failing on the fault it is meant to catch."""
