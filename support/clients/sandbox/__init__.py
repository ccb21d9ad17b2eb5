"""The embedded sandbox as a process, and its control API."""
