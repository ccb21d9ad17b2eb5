"""Opening and releasing investigations: the requests, the windows, the ledger of what was opened, and its jobs."""
