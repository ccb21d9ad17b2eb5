"""What the processes of the sandbox have in common."""
