"""The writers of reports: one module for each report that is made from a record."""
