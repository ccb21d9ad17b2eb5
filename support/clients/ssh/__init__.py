"""The SSH client and the ports it forwards."""
