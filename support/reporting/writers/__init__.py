"""One module for each report that is written from a record."""
