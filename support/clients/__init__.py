"""Thin, typed clients of the services under test.

Each client sends what it is told, checks the shape of what comes back, never retries by itself, and writes every
call to a :class:`~support.clients.journal.Journal`. Dangerous calls are refused by the
:class:`~support.clients.safety.SafetyPolicy`.
"""
