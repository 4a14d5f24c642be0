"""Operations and errors of the database driver; services import them from here only."""

from bson.decimal128 import Decimal128
from pymongo import DeleteMany, DeleteOne, ReplaceOne, ReturnDocument, UpdateOne
from pymongo.errors import BulkWriteError, DuplicateKeyError

__all__ = [
    "BulkWriteError",
    "Decimal128",
    "DeleteMany",
    "DeleteOne",
    "DuplicateKeyError",
    "ReplaceOne",
    "ReturnDocument",
    "UpdateOne",
]
