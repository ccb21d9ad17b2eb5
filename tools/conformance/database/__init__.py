"""Probes that send a MongoDB the requests of the suite, of the stand-in and of shell users, and note facts."""
