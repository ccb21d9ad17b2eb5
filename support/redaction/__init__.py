"""Redaction of what must not be shown: the secrets of this process, in every spelling, and others with a known form.

Each process has one redactor, :data:`PROCESS`. All text that leaves the process passes through it: the journal, the
record, every file that is written, everything that is printed.
"""

from support.redaction.places import HIDDEN, is_name_of_a_secret
from support.redaction.redactor import PROCESS, Redactor, shortened

__all__ = ["HIDDEN", "PROCESS", "Redactor", "is_name_of_a_secret", "shortened"]
