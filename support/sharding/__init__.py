"""Splits a run among several testers, each with a share of the scenarios, and merges their records into one."""
