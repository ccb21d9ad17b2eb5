"""Two systems played through in the same way, and what they answered differently."""
