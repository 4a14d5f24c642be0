"""Formats of the documents of accounts."""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from services.organisation.accounts.domain.accounts import Account, Attachment, Roster
from services.organisation.accounts.domain.claims import Claim
from services.organisation.accounts.domain.links import Activation, Invitation
from services.organisation.accounts.domain.requests import HabilitationRequest
from shared.runtime.store.database import Document
from shared.runtime.store.schema import DocumentFormat

# Pydantic ignores the fields that a newer version of the service has added.
_ACCOUNT, _ATTACHMENT = TypeAdapter(Account), TypeAdapter(Attachment)
_REQUEST, _INVITATION = TypeAdapter(HabilitationRequest), TypeAdapter(Invitation)
_ACTIVATION, _CLAIM = TypeAdapter(Activation), TypeAdapter(Claim)


def _to_account(document: Document) -> Account:
    return _ACCOUNT.validate_python(_name_id(document))


def _from_account(account: Account) -> Document:
    return {
        **_drop_id(_dump(_ACCOUNT, account)),
        "attachments": [_from_attachment(each) for each in account.attachments],
        "platform_roles": sorted(account.platform_roles),
    }


def _from_attachment(attachment: Attachment) -> Document:
    # `_id` names an item of the list, which keeps the fields that a newer version adds to it.
    return {"id": attachment.structure, **_dump(_ATTACHMENT, attachment)}


def _to_roster(document: Document) -> Roster:
    return Roster(document["_id"], document["version"], frozenset(document["main_managers"]))


def _from_roster(roster: Roster) -> Document:
    return {"version": roster.version, "main_managers": sorted(roster.main_managers)}


def _to_request(document: Document) -> HabilitationRequest:
    return _REQUEST.validate_python(_name_id(document))


def _from_request(request: HabilitationRequest) -> Document:
    return _drop_id(_dump(_REQUEST, request))


def _to_invitation(document: Document) -> Invitation:
    return _INVITATION.validate_python(_name_id(document))


def _from_invitation(invitation: Invitation) -> Document:
    return _drop_id(_dump(_INVITATION, invitation))


def _to_activation(document: Document) -> Activation:
    return _ACTIVATION.validate_python(_name_id(document))


def _from_activation(activation: Activation) -> Document:
    return _drop_id(_dump(_ACTIVATION, activation))


def _to_claim(document: Document) -> Claim:
    return _CLAIM.validate_python(_name_id(document))


def _from_claim(claim: Claim) -> Document:
    return _drop_id(_dump(_CLAIM, claim))


def _dump(adapter: TypeAdapter[Any], value: Any) -> Document:  # noqa: ANN401 - one of those above
    """Write a value: moments stay moments, by which documents are found; enumerations are texts."""
    plain: Document = _flatten(adapter.dump_python(value))
    return plain


def _flatten(value: Any) -> Any:  # noqa: ANN401 - whatever a value holds
    if isinstance(value, Mapping):
        return {str(key): _flatten(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_flatten(each) for each in value]
    return str(value) if isinstance(value, str) else value


def _name_id(document: Mapping[str, Any]) -> Document:
    return {"id": document["_id"], **document}


def _drop_id(document: Document) -> Document:
    return {name: value for name, value in document.items() if name != "id"}


ACCOUNTS = DocumentFormat("accounts", read=_to_account, write=_from_account)
ROSTERS = DocumentFormat("rosters", read=_to_roster, write=_from_roster)
REQUESTS = DocumentFormat("habilitation_requests", read=_to_request, write=_from_request)
INVITATIONS = DocumentFormat("invitations", read=_to_invitation, write=_from_invitation)
ACTIVATIONS = DocumentFormat("activations", read=_to_activation, write=_from_activation)
CLAIMS = DocumentFormat("structure_requests", read=_to_claim, write=_from_claim)
