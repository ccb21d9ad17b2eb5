"""Users, the permissions of roles, and the server side of SCRAM."""
