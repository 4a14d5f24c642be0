"""Blocking access to a collection of a service, for the commands of an operator."""

from typing import TypeAlias

from pymongo import MongoClient
from pymongo.collection import Collection

from shared.runtime.store.database import Document, name_database

BlockingCollection: TypeAlias = "Collection[Document]"


def open_collection(uri: str, service: str, namespace: str, collection: str) -> BlockingCollection:
    """Open a collection of a service.

    Raises LookupError for a service that has none: for a mistyped name, the driver would return an
    empty collection.
    """
    client: MongoClient[Document] = MongoClient(uri, tz_aware=True)
    name = name_database(service, namespace)
    prefix = name_database("", namespace)
    known = {
        each.removeprefix(prefix): each
        for each in client.list_database_names()
        if each.startswith(prefix) and collection in client[each].list_collection_names()
    }
    if name not in known.values():
        raise LookupError(f"no service {service} here; there are: {', '.join(sorted(known))}")
    return client[name][collection]
