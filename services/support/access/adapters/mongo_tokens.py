"""Token hashes of a ticket or a chat without an account, in MongoDB."""

from shared.runtime.store.database import Transaction

_KEPT = 5


async def add_token(
    transaction: Transaction, collection: str, identifier: str, token_hash: str
) -> None:
    """Add the hash of a token to a document; the oldest of many is removed."""
    wanted = {"_id": identifier}
    rows, session = transaction.collection(collection), transaction.session
    row = await rows.find_one(wanted, {"token": 1}, session=session)
    known = (row and row["token"]) or []
    kept = [*known, token_hash][-_KEPT:]
    await rows.update_one(wanted, {"$set": {"token": kept}}, session=session)
