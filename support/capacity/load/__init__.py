"""The load itself: sending it, following it in the cluster and recording it."""
