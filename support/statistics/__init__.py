"""Percentiles, rates, intervals and trends with their uncertainty, and the one verdict over them."""
