"""Filters, plans, projections, updates and aggregation pipelines."""
