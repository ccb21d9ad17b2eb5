"""Matchers that speak the language of the domain, and the checks made after every scenario."""
