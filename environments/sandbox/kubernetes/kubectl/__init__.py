"""What kubectl asks of an API server besides objects: tables, logs, exec, port-forward."""
