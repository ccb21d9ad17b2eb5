"""What the suite and the stand-in of Focus Server do on a cluster, as probes that note facts."""
