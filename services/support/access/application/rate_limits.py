"""Rate limits of what is sent without an account, by network address and e-mail address."""

from dataclasses import dataclass

from services.support.access.application.ports import RateLimit
from services.support.access.domain.parties import normalise_mailbox


@dataclass(frozen=True, slots=True)
class AnonymousLimits:
    """Rate limits without an account, by network address and by e-mail address."""

    by_address: RateLimit
    by_email: RateLimit

    async def find_exceeded(self, email: str, address: str) -> str | None:
        """Count one request; return the limit that it exceeds, in French, or None."""
        counted = (
            ("adresse réseau", self.by_address, address),
            ("adresse électronique", self.by_email, normalise_mailbox(email)),
        )
        for what, rate, who in counted:
            if await rate.count_request(who):
                return f"{what}, {rate.an_hour} au plus"
        return None
