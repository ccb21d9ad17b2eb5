"""The objects of the cluster: storage, defaults, deletion and selection."""
