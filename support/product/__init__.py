"""The product as a client sees it, apart from investigations: fibre, information, metadata, the server's life."""
