"""Probes that do on a cluster what the suite and the stand-in of Focus Server do, and record facts."""
