"""Latency of answers (PF), and the earlier runs it is compared with."""
