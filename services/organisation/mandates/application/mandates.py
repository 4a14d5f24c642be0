"""Use cases of mandates: record, change, close, read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from services.organisation.accounts.domain.rules import KEY_REUSED
from services.organisation.audit.application.acts import Act, Precondition
from services.organisation.audit.domain.entries import AuditEntry, Detail
from services.organisation.mandates.application.messages import build_state
from services.organisation.mandates.application.ports import MandateChange, MandatePorts
from services.organisation.mandates.domain import mandates as domain
from services.organisation.mandates.domain import rules
from services.organisation.mandates.domain.mandates import FiledMandate
from shared.application.idempotency import build_key, serialize_request
from shared.application.uploads import Upload, read_heads, store_uploads
from shared.circuit.mandates import Mandate
from shared.vocabulary.dates import find_paris_day
from shared.vocabulary.levels import LEVEL_OF_MANDATES
from shared.vocabulary.rules import Violation


@dataclass(frozen=True, slots=True)
class Terms:
    """Days and scope of a mandate."""

    valid_from: date
    valid_until: date
    contracts: Sequence[str] | None = None
    """Numbers of the marchés that it covers; None covers all."""


@dataclass(frozen=True, slots=True)
class Done:
    """It is done, or was already so: the mandate as it is now."""

    filed: FiledMandate
    is_replay: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """A rule refuses it; the code of the first one decides the HTTP status."""

    violations: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """The structure is a party of no such mandate (404)."""


Outcome = Done | Refused | Missing


class MandateRegistry:
    """Use cases of the mandates that a structure gives or receives."""

    def __init__(self, ports: MandatePorts) -> None:
        """Use these ports."""
        self._ports = ports

    async def list_mandates(self, structure: str, after: str, limit: int) -> Sequence[FiledMandate]:
        """List the mandates that a structure is a party of."""
        return await self._ports.mandates.list_of(structure, after, limit)

    async def find(self, structure: str, mandate: str) -> FiledMandate | None:
        """Find a mandate that a structure is a party of."""
        found = await self._ports.mandates.find(mandate)
        return found if found and structure in found.parties else None

    async def read_file(self, filed: FiledMandate) -> bytes:
        """Read the file of a mandate."""
        return await self._ports.vault.get(filed.file.sha256)

    async def record(
        self, act: Act, delegate: str, payer: str | None, terms: Terms, file: Upload
    ) -> Outcome:
        """Record a mandate of the structure, which is its mandant, with its file."""
        ports = self._ports
        mandate = Mandate(
            id=ports.new_id(),
            version=1,
            mandant=act.structure,
            delegate=delegate.strip(),
            payer=(payer or "").strip() or act.structure,
            valid_from=terms.valid_from,
            valid_until=terms.valid_until,
            contracts=domain.read_contracts(terms.contracts),
        )
        (head,) = await read_heads([file])
        if violations := (*domain.judge_terms(mandate), *domain.judge_file(head)):
            return Refused(violations)
        sent = serialize_request("record_mandate", delegate, payer, terms)
        key = await build_key(f"mandat|{act.user}|{act.structure}", act.key, sent, [file])
        (stored,) = await store_uploads(ports.vault, [file])
        filed = FiledMandate(mandate, stored, ports.clock())

        async def attempt(change: MandateChange) -> Outcome:
            if used := await change.find_key_use(key):
                if not used.is_of(key):
                    return Refused((KEY_REUSED.build_violation("Idempotency-Key"),))
                known = await change.load(used.subject)
                return Done(known, is_replay=True) if known else Missing()
            if change.level < LEVEL_OF_MANDATES:
                return Refused((rules.NOT_YET.build_violation("requête"),))
            outcome = await self._keep(change, filed, act, "mandat.donne")
            if isinstance(outcome, Done):
                await change.record_key_use(key, mandate.id)
            return outcome

        return await ports.mandates.change(attempt)

    async def change(
        self, act: Act, mandate: str, read_terms: Callable[[Mandate], Terms], matching: Precondition
    ) -> Outcome:
        """Change the days or the scope of a mandate: `read_terms` tells those after the change."""

        async def attempt(change: MandateChange) -> Outcome:
            filed = await change.load(mandate)
            if filed is None or act.structure not in filed.parties:
                return Missing()
            before = filed.mandate
            if violation := _judge_change(before, act.structure):
                return Refused((violation,))
            terms = read_terms(before)
            contracts = domain.read_contracts(terms.contracts)
            after = filed.change(terms.valid_from, terms.valid_until, contracts)
            if _has_same_terms(after.mandate, before):
                return Done(filed)
            if not matching(before.version):
                return Refused((rules.STALE.build_violation("If-Match"),))
            if violations := tuple(domain.judge_terms(after.mandate)):
                return Refused(violations)
            return await self._keep(change, after, act, "mandat.change")

        return await self._ports.mandates.change(attempt)

    async def close(self, act: Act, mandate: str, matching: Precondition) -> Outcome:
        """Close a mandate, for its mandant or its delegate: it allows nothing any more."""

        async def attempt(change: MandateChange) -> Outcome:
            filed = await change.load(mandate)
            if filed is None or act.structure not in filed.parties:
                return Missing()
            before = filed.mandate
            if act.structure not in {before.mandant, before.delegate}:
                return Refused((_refuse_other(before, "elle le clôt, ou celle qui le reçoit"),))
            if before.closed_on is not None:
                return Done(filed)
            if not matching(before.version):
                return Refused((rules.STALE.build_violation("If-Match"),))
            closed = filed.close(find_paris_day(self._ports.clock()))
            await self._save(change, closed, act, "mandat.clos")
            return Done(closed)

        return await self._ports.mandates.change(attempt)

    async def _keep(
        self, change: MandateChange, filed: FiledMandate, act: Act, what: str
    ) -> Outcome:
        """Save a mandate that grants something, once judged with the others of its mandant."""
        mandate = filed.mandate
        known = await change.find_structures(filed.parties)
        if violations := tuple(domain.judge_parties(mandate, known)):
            return Refused(violations)
        open_ones = [each.mandate for each in await change.list_open(mandate.mandant)]
        if violations := domain.judge_overlap(mandate, open_ones):
            return Refused(violations)
        others = [each for each in open_ones if each.id != mandate.id]
        if len(others) >= domain.MANDATES_LIMIT:
            rule, limit = rules.TOO_MANY, domain.MANDATES_LIMIT
            return Refused((rule.build_violation("structure_id", limit=limit),))
        await self._save(change, filed, act, what)
        return Done(filed)

    async def _save(self, change: MandateChange, filed: FiledMandate, act: Act, what: str) -> None:
        """Save a mandate and its register, publish it, and tell it in the trails of its parties."""
        mandate, now = filed.mandate, self._ports.clock()
        register = await change.load_register(mandate.mandant)
        await change.save_register(register.renew())
        await change.save(filed)
        change.publish(build_state(mandate, now, self._ports.new_id()))
        details: Mapping[str, Detail] = {
            "mandat": mandate.id,
            "version": mandate.version,
            "mandant": mandate.mandant,
            "delegue": mandate.delegate,
            "payeur": mandate.payer,
            "debut": mandate.valid_from.isoformat(),
            "fin": mandate.valid_until.isoformat(),
            "marches": None if mandate.contracts is None else tuple(sorted(mandate.contracts)),
            "fichier": filed.file.sha256,
        }
        await change.record(
            [AuditEntry(each, what, act.user, now, details) for each in sorted(filed.parties)]
        )


def _has_same_terms(one: Mandate, other: Mandate) -> bool:
    fields = ("valid_from", "valid_until", "contracts")
    return all(getattr(one, name) == getattr(other, name) for name in fields)


def _judge_change(mandate: Mandate, structure: str) -> Violation | None:
    if mandate.mandant != structure:
        return _refuse_other(mandate, "elle seule le change")
    if mandate.closed_on is None:
        return None
    day = mandate.closed_on.strftime("%d/%m/%Y")
    return rules.CLOSED.build_violation("mandate_id", day=day)


def _refuse_other(mandate: Mandate, who: str) -> Violation:
    rule = rules.NOT_MANDANT
    return rule.build_violation("X-Structure", mandant=mandate.mandant, who=who)
