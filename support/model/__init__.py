"""Values shared by several packages: requests, windows, recordings, jobs.

Clients are called here only to read, and to add and remove specimens in the recording index.
"""
