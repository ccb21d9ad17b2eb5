"""Thin, typed clients of the services under test.

Each client sends requests as given, checks the shape of the answers, never retries by itself, and writes every call to
a :class:`~support.clients.journal.Journal`. The :class:`~support.clients.safety.SafetyPolicy` refuses dangerous calls.
"""
