"""Server-side features of kubectl besides objects: tables, logs, exec and port-forward."""
