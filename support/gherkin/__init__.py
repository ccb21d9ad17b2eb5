"""Checks of the feature files and of tag expressions, before anything runs."""
