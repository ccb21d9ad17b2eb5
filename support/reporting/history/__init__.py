"""The results of earlier runs: one small file for each run, and comparisons over many runs."""

from support.reporting.history.entry import HistoryEntry, PastResult, entry_of
from support.reporting.history.store import History, append, read_history

__all__ = ["HistoryEntry", "History", "PastResult", "append", "entry_of", "read_history"]
