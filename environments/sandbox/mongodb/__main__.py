"""``python -m environments.sandbox.mongodb``."""

from environments.sandbox.mongodb.service import MongodbProcess
from environments.sandbox.process import main

main(MongodbProcess)
