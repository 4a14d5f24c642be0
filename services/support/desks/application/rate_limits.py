"""Rate limits of what is sent without an account, by network address and e-mail address."""

from dataclasses import dataclass

from services.support.desks.application.ports import Rate
from services.support.desks.domain.parties import mailbox


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be sent without an account, by network address and by e-mail address."""

    by_address: Rate
    by_email: Rate

    async def exceeded(self, email: str, address: str) -> str | None:
        """Count one, and say in French what is over its limit."""
        counted = (
            ("adresse réseau", self.by_address, address),
            ("adresse électronique", self.by_email, mailbox(email)),
        )
        for what, rate, who in counted:
            if await rate.is_exceeded(who):
                return f"{what}, {rate.an_hour} au plus"
        return None
