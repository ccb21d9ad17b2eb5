"""A whole sandbox for tests that need the pod of MongoDB and not only its process."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import pymongo
from kubernetes import client, config
from pymongo.errors import ConnectionFailure

from support.waits import Stopwatch
from tests.sandbox.estate.test_lifecycle import Up

_LIMIT_S = 30.0


class Estate:
    """A sandbox that runs for the length of a ``with``; ``database`` is the one named in the run file."""

    def __init__(self, run_file: Path) -> None:
        self._run_file = run_file

    def __enter__(self) -> Self:
        self.up = Up(self._run_file)
        endpoints = self.up.endpoints
        self._mongodb: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(
            endpoints["mongodb"]["uri"], serverSelectionTimeoutMS=600, retryReads=False, retryWrites=False
        )
        self.database = self._mongodb[endpoints["mongodb"]["database"]]
        api = config.new_client_from_config(endpoints["kubernetes"]["kubeconfig"])
        self._namespace = endpoints["kubernetes"]["namespace"]
        self._apps = client.AppsV1Api(api)
        return self

    def __exit__(self, *_: object) -> None:
        self._mongodb.close()
        self.up.process.terminate()
        self.up.process.wait(60)

    def scale(self, replicas: int) -> None:
        """Scale the deployment of MongoDB; its process is killed like that of a pod."""
        self._apps.patch_namespaced_deployment_scale("mongodb", self._namespace, {"spec": {"replicas": replicas}})

    def pid(self) -> int | None:
        """The process id of MongoDB; None while it does not run."""
        number: int | None = self.up.control("GET", "/state")["processes"]["mongodb"]["pid"]
        return number

    def wait_until_refused(self) -> None:
        self._wait(False)

    def wait_until_answering(self) -> None:
        self._wait(True)

    def _wait(self, wanted: bool) -> None:
        waiting = Stopwatch()
        while self._answers() is not wanted:
            assert waiting.given_s() < _LIMIT_S, f"MongoDB {'is silent' if wanted else 'answers'} after {_LIMIT_S:g} s"

    def _answers(self) -> bool:
        try:
            self.database.base_paths.find_one()
        except ConnectionFailure:
            return False
        return True
