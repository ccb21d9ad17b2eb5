"""Writes a store to one file of BSON documents and reads it back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bson

from environments.sandbox.mongodb.storage import Collection, Store
from environments.sandbox.mongodb.wire import CODEC


def dump(store: Store, facts: Mapping[str, Any], file: Path) -> None:
    """The file replaces an older one only when it is complete."""
    unfinished = file.with_suffix(file.suffix + ".new")
    with unfinished.open("wb") as stream:
        stream.write(bson.encode({"facts": facts}))
        for database in store.databases.values():
            for collection in database.values():
                stream.write(bson.encode({"collection": _header(collection)}))
                for document in collection.documents.values():
                    stream.write(bson.encode({"document": document}))
    unfinished.replace(file)


def _header(collection: Collection) -> dict[str, Any]:
    indexes = [index.describe() for index in collection.indexes.values()]
    return {"database": collection.database, "name": collection.name, "options": collection.options, "indexes": indexes}


def load(file: Path) -> tuple[Store, dict[str, Any]]:
    """The store and the facts that were written with it."""
    store, facts = Store(), {}
    collection: Collection | None = None
    with file.open("rb") as stream:
        for entry in bson.decode_file_iter(stream, CODEC):
            if "facts" in entry:
                facts = entry["facts"]
            elif "collection" in entry:
                header = entry["collection"]
                collection = store.create(header["database"], header["name"], header["options"])
                for index in header["indexes"]:
                    collection.create_index(index)
            elif collection is not None:
                collection.insert(entry["document"], bypass_validation=True)
    return store, facts
