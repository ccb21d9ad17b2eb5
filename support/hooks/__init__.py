"""Hooks around scenarios: one module for each concern, wired in environment.py."""
