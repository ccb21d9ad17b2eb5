"""What earlier runs came to: one small file for each run, and what can be said over many of them."""

from support.reporting.history.entry import Entry, Seen, entry_of
from support.reporting.history.store import History, append, read_history

__all__ = ["Entry", "History", "Seen", "append", "entry_of", "read_history"]
