"""The event of a sheet, which holds the whole of it."""

from services.organisation.sheets.domain.sheets import SheetVersion
from shared.contracts.organisation_v1 import LotV1, SheetActorV1, SheetChanged
from shared.contracts.outgoing import Outgoing
from shared.contracts.topics import MARCHE


def build_state(sheet: SheetVersion, correlation_id: str) -> Outgoing:
    """Build the message of a sheet in one version."""
    content = sheet.content
    payload = SheetChanged(
        sheet=sheet.id,
        version=sheet.version,
        moa=sheet.moa,
        number=content.number,
        title=content.title,
        actors=tuple(
            SheetActorV1(
                role=each.role,
                structure=each.structure,
                service=each.service,
                lot=each.lot,
                valid_from=each.valid_from,
                valid_until=each.valid_until,
            )
            for each in content.actors
        ),
        lots=tuple(LotV1(code=each.code, title=each.title) for each in content.lots),
        delays=content.delays,
        required=content.required,
        active=sheet.is_active,
        at=sheet.at,
    )
    return Outgoing(
        topic=MARCHE,
        key=sheet.id,
        subject=sheet.id,
        payload=payload,
        correlation_id=correlation_id,
    )
