"""What the suite, the stand-in of Focus Server and people at a shell ask of a MongoDB, as probes that note facts."""
