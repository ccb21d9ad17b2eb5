"""Probes that run on two systems in the same way, and the differences between the answers."""
