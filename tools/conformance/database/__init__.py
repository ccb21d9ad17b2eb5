"""Probes that send a MongoDB the requests of the suite, the stand-in and shell users, and record facts."""
