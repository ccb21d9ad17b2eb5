"""Code shared by the processes of the sandbox."""
