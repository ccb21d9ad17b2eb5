"""``python -m environments.sandbox.rabbitmq``."""

from environments.sandbox.rabbitmq.process import RabbitMQProcess
from environments.sandbox.shared.process import main

main(RabbitMQProcess)
