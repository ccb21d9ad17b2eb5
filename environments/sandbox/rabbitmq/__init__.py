"""The message broker of the estate: Debian's rabbitmq-server, run in its own folder and on its own address."""
