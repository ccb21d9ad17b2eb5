"""The load itself: sent, followed in the cluster, recorded."""
