"""What a client sees of the product beside investigations: fibre, information, metadata, the server's life."""
