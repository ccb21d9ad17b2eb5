"""The server's commands, one module per subject; each registers its handlers with ``registry.command``."""
