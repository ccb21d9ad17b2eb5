"""Clients of the Kubernetes API: typed objects, snapshots, the watch."""
