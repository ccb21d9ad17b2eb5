"""The objects of the cluster: kept, completed, deleted, selected."""
