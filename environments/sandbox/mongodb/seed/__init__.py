"""The recordings and storage paths that the database holds after the start."""
