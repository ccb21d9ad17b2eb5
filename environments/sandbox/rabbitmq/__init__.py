"""The message broker of the estate: Debian's rabbitmq-server, in a folder and on an address of its own."""
