"""Values shared by several packages: requests, windows, recordings, jobs. No clients are called here except to read."""
