"""Use cases of requests for habilitations: ask, decide, withdraw."""

from dataclasses import dataclass

from services.organisation.accounts.application.mails import (
    build_link,
    name_habilitations,
    name_person,
    write_to,
    write_to_managers,
)
from services.organisation.accounts.application.outcomes import (
    Done,
    NotFound,
    Outcome,
    Refused,
    run_once,
)
from services.organisation.accounts.application.persons import (
    Person,
    build_person_key,
    build_requester_key,
    find_decider,
    judge_issuer,
    keep,
    read_person,
)
from services.organisation.accounts.application.ports import AccountChange, AccountPorts
from services.organisation.accounts.domain import requests as domain
from services.organisation.accounts.domain import rules
from services.organisation.accounts.domain.accounts import Account, Roster
from services.organisation.accounts.domain.habilitations import Habilitations
from services.organisation.accounts.domain.requests import HabilitationRequest, Judged, Load
from services.organisation.structures.domain.structure import Structure
from shared.rights.model import Requester


@dataclass(frozen=True, slots=True)
class _Case:
    """What a transaction has read about one request."""

    request: HabilitationRequest
    account: Account
    roster: Roster
    structure: Structure


class Requests:
    """Use cases of requests for habilitations."""

    def __init__(self, ports: AccountPorts) -> None:
        """Use these ports."""
        self._ports = ports

    async def ask(
        self, requester: Requester, structure: str, wanted: Habilitations, key: str | None
    ) -> Outcome[HabilitationRequest]:
        """Ask for habilitations. Who decides for the structure has them at once."""
        person = read_person(requester)
        if not isinstance(person, Person):
            return Refused((person,))

        async def work(change: AccountChange) -> Outcome[HabilitationRequest]:
            account = await change.find_account(person.identity)
            known = await change.find_structure(structure)
            if account is None or known is None or account.find_active(structure) is None:
                rule = rules.NOT_ATTACHED
                return Refused((rule.build_violation("structure_id", structure=structure),))
            if violations := judge_issuer(requester, known):
                return Refused(violations)
            case = _Case(
                self._build(account, structure, wanted),
                account,
                await change.load_roster(structure),
                known,
            )
            services = {each.code for each in known.declared.services}
            load = await self._measure(change, account, structure)
            outcome = domain.ask_habilitations(case.request, account, case.roster, services, load)
            asked = await self._finish(change, case, outcome, account.id)
            if isinstance(asked, Done) and asked.value.is_waiting:
                await self._tell_managers(change, case)
            return asked

        used = await build_person_key(person, key, "ask_habilitations", structure, wanted)
        return await run_once(self._ports.accounts, used, work, _show)

    async def decide(
        self,
        requester: Requester,
        structure: str,
        request: str,
        reason: str,
        key: str | None,
        *,
        is_approved: bool,
    ) -> Outcome[HabilitationRequest]:
        """Approve or refuse a request."""

        async def work(change: AccountChange) -> Outcome[HabilitationRequest]:
            case = await _read_case(change, request)
            if case is None or case.request.structure != structure:
                return NotFound("Demande")
            decider = await find_decider(change, requester, structure)
            given, now = (case.request, decider, case.account, case.roster), self._ports.clock()
            outcome = (
                domain.approve_request(*given, now)
                if is_approved
                else domain.refuse_request(*given, reason, now)
            )
            decided = await self._finish(change, case, outcome, decider.id)
            if isinstance(decided, Done) and decider.id != case.account.id:
                told = "acceptée" if is_approved else f"refusée ; motif : {reason}"
                await self._tell_user(change, case, told)
            return decided

        sent = ("decide", structure, request, is_approved, reason)
        used = await build_requester_key(requester, key, *sent)
        return await run_once(self._ports.accounts, used, work, _show)

    async def withdraw(self, requester: Requester, request: str) -> Outcome[HabilitationRequest]:
        """Withdraw one's own request."""
        person = read_person(requester)
        if not isinstance(person, Person):
            return Refused((person,))

        async def work(change: AccountChange) -> Outcome[HabilitationRequest]:
            case = await _read_case(change, request)
            if case is None or case.account.identity != person.identity:
                return NotFound("Demande")
            if violations := judge_issuer(requester, case.structure):
                return Refused(violations)
            outcome = domain.withdraw_request(
                case.request, case.account, case.roster, self._ports.clock()
            )
            return await self._finish(change, case, outcome, case.account.id)

        return await self._ports.accounts.change(work)

    def _build(
        self, account: Account, structure: str, wanted: Habilitations
    ) -> HabilitationRequest:
        now = self._ports.clock()
        return HabilitationRequest(
            id=self._ports.new_id(),
            structure=structure,
            user=account.id,
            habilitations=wanted,
            asked_at=now,
            remind_at=now + self._ports.limits.remind_after,
        )

    async def _measure(self, change: AccountChange, account: Account, structure: str) -> Load:
        limits = self._ports.limits
        return Load(
            structure=await change.count_waiting(structure),
            user=await change.count_asked(account.id),
            structure_limit=limits.waiting,
            user_limit=limits.asked,
        )

    async def _finish(
        self, change: AccountChange, case: _Case, outcome: domain.Outcome, by: str
    ) -> Outcome[HabilitationRequest]:
        if not isinstance(outcome, Judged):
            return Refused(outcome)
        if outcome.decided.roster != case.roster:
            await change.save_request(outcome.request)
        await keep(change, self._ports, case.account, case.roster, outcome.decided, by)
        return Done(outcome.request, outcome.request.id)

    async def _tell_managers(self, change: AccountChange, case: _Case) -> None:
        structure = case.roster.structure
        await write_to_managers(
            change,
            case.roster,
            "habilitation-demande",
            demandeur=name_person(case.account),
            habilitation=name_habilitations(case.request.habilitations),
            structure=case.structure.declared.name,
            lien=build_link(self._ports, "structures", structure, "habilitations"),
        )

    async def _tell_user(self, change: AccountChange, case: _Case, decision: str) -> None:
        await write_to(
            change,
            case.account,
            "habilitation-decision",
            case.roster.structure,
            habilitation=name_habilitations(case.request.habilitations),
            structure=case.structure.declared.name,
            decision=decision,
            lien=build_link(self._ports, "habilitations"),
        )


async def _show(change: AccountChange, subject: str) -> HabilitationRequest | None:
    return await change.load_request(subject)


async def _read_case(change: AccountChange, request: str) -> _Case | None:
    found = await change.load_request(request)
    if found is None:
        return None
    account = await change.load_account(found.user)
    known = await change.find_structure(found.structure)
    if account is None or known is None:
        return None
    return _Case(found, account, await change.load_roster(found.structure), known)
