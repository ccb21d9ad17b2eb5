"""Who may log in, what a role permits, and the server side of SCRAM."""
