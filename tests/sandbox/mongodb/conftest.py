"""One running MongoDB process per test module, and its clients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pymongo
import pytest
from pymongo.database import Database

from tests.sandbox.process_runner import RunningProcess, base_config, reserve_port, start_process

PASSWORD = "right-password"
USERS = [
    {"user": "prisma", "password": PASSWORD, "database": "prisma", "roles": ["readWrite"]},
    {"user": "reader", "password": PASSWORD, "database": "prisma", "roles": ["read"]},
    {"user": "root", "password": PASSWORD, "database": "admin", "roles": ["root"]},
]
REPORTS_AS = "mongodb-79b869cc7c-vsjd9:27017"

Connect = Callable[..., "pymongo.MongoClient[dict[str, Any]]"]


def mongodb_config(folder: Any, **more: Any) -> dict[str, Any]:
    own = {
        "host": "127.0.0.1", "port": reserve_port(), "users": USERS, "database": "prisma", "reports_as": REPORTS_AS,
        "data_file": str(folder / "data.sqlite"),
    }  # fmt: skip
    return base_config(folder, **{**own, **more})


@pytest.fixture(scope="module")
def mongodb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProcess]:
    with start_process("mongodb", mongodb_config(tmp_path_factory.mktemp("mongodb"))) as process:
        yield process


@pytest.fixture
def connect(mongodb: RunningProcess) -> Iterator[Connect]:
    """A factory of clients, which are closed at the end."""
    clients: list[pymongo.MongoClient[dict[str, Any]]] = []

    def make(user: str | None = "prisma", password: str = PASSWORD, source: str = "prisma", **more: Any) -> Any:
        credentials = {"username": user, "password": password, "authSource": source} if user else {}
        options = {"serverSelectionTimeoutMS": 3000, "retryReads": False, "retryWrites": False, "tz_aware": True}
        client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(
            "127.0.0.1", mongodb.ready["port"], **{**credentials, **options, **more}
        )
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def database(mongodb: RunningProcess, connect: Connect) -> Iterator[Database[dict[str, Any]]]:
    """The seeded database, restored after the test."""
    yield connect().prisma
    mongodb.set_faults()
    mongodb.request("reset")
