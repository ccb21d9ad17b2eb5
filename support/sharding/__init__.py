"""A run split among several testers, each with a share of the scenarios, and made one record again."""
