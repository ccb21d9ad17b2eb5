"""Repeated runs of the same features, shuffled and under load, to find verdicts that do not hold."""
