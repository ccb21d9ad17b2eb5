"""The client of the message broker."""
