"""One run record, and the reports that are made from it."""
