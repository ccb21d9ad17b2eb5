"""Messages on the wire: frames, their documents, and error replies."""
