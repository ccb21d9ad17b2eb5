"""Values that several rooms share: requests, windows, recordings, jobs. No clients are called here except to read."""
