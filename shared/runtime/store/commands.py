"""Blocking access to a collection of a service, for the commands of an operator."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeAlias

import typer
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.errors import OperationFailure, PyMongoError

from shared.runtime.error_descriptions import describe_error
from shared.runtime.errors import CANNOT_CONNECT, StoreUriError
from shared.runtime.store.database import (
    Document,
    list_timeouts,
    name_database,
    name_uri_faults,
)

BlockingCollection: TypeAlias = "Collection[Document]"


def open_collection(uri: str, service: str, namespace: str, collection: str) -> BlockingCollection:
    """Open a collection of a service.

    Raises LookupError for a service that has none: for a mistyped name, the driver would return an
    empty collection. Raises StoreUriError for a connection string that cannot be used.
    """
    with name_uri_faults():
        client: MongoClient[Document] = MongoClient(uri, tz_aware=True, **list_timeouts(uri))
    name = name_database(service, namespace)
    prefix = name_database("", namespace)
    databases = [each for each in client.list_database_names() if each.startswith(prefix)]
    known = [each for each in databases if collection in client[each].list_collection_names()]
    if name not in known:
        fault = f"{service} has no {collection}" if name in databases else f"no service {service}"
        services = ", ".join(sorted(each.removeprefix(prefix) for each in known))
        raise LookupError(f"{fault} here; there are: {services}")
    return client[name][collection]


@contextmanager
def exit_without_store(status: int = CANNOT_CONNECT) -> Iterator[None]:
    """Error handling of a command: when the store cannot be asked, print one line and exit."""
    try:
        yield
    except (PyMongoError, StoreUriError) as error:
        typer.echo(f"the store could not be asked: {_describe_refusal(error)}", err=True)
        raise typer.Exit(status) from None


def _describe_refusal(error: Exception) -> str:
    if isinstance(error, OperationFailure):
        return describe_error(error)
    # What follows describes every server, in some hundred characters each.
    return f"{type(error).__name__}: {str(error).partition(' (configured timeouts')[0]}"
