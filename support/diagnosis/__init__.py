"""Examinations of the infrastructure, layer by layer."""
