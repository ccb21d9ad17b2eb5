"""Capacity: many investigations at once, measured truthfully, explained by evidence, reported to DevOps."""
