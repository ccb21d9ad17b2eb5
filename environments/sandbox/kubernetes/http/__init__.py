"""The API of the cluster over HTTPS."""
