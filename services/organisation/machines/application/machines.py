"""Use cases of machines: create, grant scopes, renew a secret, withdraw, delete, list."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.organisation.audit.application.acts import Act
from services.organisation.audit.domain.entries import AuditEntry, Detail
from services.organisation.machines.application.messages import build_state
from services.organisation.machines.application.ports import (
    MachineChange,
    MachinePorts,
    NewSecret,
)
from services.organisation.machines.domain import machines as domain
from services.organisation.machines.domain import rules
from services.organisation.machines.domain.machines import Machine, Secret
from services.organisation.machines.domain.scopes import Scope, parse_scope, sort_scopes
from shared.application.idempotency import build_key, serialize_request
from shared.vocabulary.rules import Violation


@dataclass(frozen=True, slots=True)
class Done:
    """It is done, or was already so: the machine as it is now."""

    machine: Machine
    secret: Secret | None = None
    """The secret that was made."""
    text: str | None = None
    """The secret in clear, shown this once; None in the answer to a repeat."""
    is_replay: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """A rule refuses it; the code of the first one decides the HTTP status."""

    violations: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class KeyReused:
    """The idempotency key was used for another request."""


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no such machine, or no such secret, for this structure (404)."""

    what: str


Outcome = Done | Refused | KeyReused | Missing
_MACHINE, _SECRET = "Machine", "Secret"


class MachineRegistry:
    """Use cases of the machines of a structure, all for its main managers."""

    def __init__(self, ports: MachinePorts) -> None:
        """Use these ports."""
        self._ports = ports

    async def list_machines(self, structure: str) -> Sequence[Machine]:
        """List the machines of a structure, those to which it grants scopes included."""
        return await self._ports.machines.list_of(structure)

    async def create(self, act: Act, name: str, scopes: Sequence[str]) -> Outcome:
        """Create a machine of a structure, with a secret that is shown once."""
        made, ports = self._ports.secrets.make(), self._ports

        async def work(change: MachineChange) -> Outcome:
            parsed, broken = _parse_scopes(scopes)
            known = await change.count(act.structure)
            if found := (*broken, *domain.judge_new(name, known, has_scopes=bool(scopes))):
                return Refused(found)
            now = ports.clock()
            secret = self._build_secret(made)
            machine = Machine(
                client_id=ports.new_id(),
                name=name,
                owner=act.structure,
                version=1,
                created_at=now,
                grants={act.structure: sort_scopes(parsed)},
                secrets=(secret,),
            )
            await self._keep(
                change, machine, act, "machine.creee", portees=_name(parsed), secret=secret.id
            )
            return Done(machine, secret, made.text)

        return await self._run_once(act, work, "create", name, sorted(scopes))

    async def grant(self, act: Act, client_id: str, scopes: Sequence[str]) -> Outcome:
        """Grant a machine scopes in a structure, in the place of those that it had there."""

        async def work(change: MachineChange) -> Outcome:
            machine = await change.load(client_id)
            if machine is None or not machine.is_active:
                return Missing(_MACHINE)
            parsed, broken = _parse_scopes(scopes)
            if broken:
                return Refused(broken)
            known = await change.count(act.structure)
            changed = domain.grant(machine, act.structure, parsed, known)
            if not isinstance(changed, Machine):
                return Refused(changed)
            if changed.grants == machine.grants:
                return Done(machine)
            await self._keep(change, changed, act, "machine.portees", portees=_name(parsed))
            return Done(changed)

        return await self._run(act, work)

    async def withdraw(self, act: Act, client_id: str) -> Outcome:
        """Delete a machine of the structure, or end what it grants to another one's."""

        async def work(change: MachineChange) -> Outcome:
            machine = await _load_known(change, client_id, act.structure)
            if machine is None:
                return Missing(_MACHINE)
            what = "supprimee" if machine.owner == act.structure else "retiree"
            changed = domain.withdraw(machine, act.structure)
            await self._keep(change, changed, act, f"machine.{what}", machine.grants.keys())
            return Done(changed)

        return await self._run(act, work)

    async def add_secret(self, act: Act, client_id: str) -> Outcome:
        """Make a second secret, shown once; a third is refused."""
        made = self._ports.secrets.make()

        async def work(change: MachineChange) -> Outcome:
            machine = await _load_known(change, client_id, act.structure)
            if machine is None:
                return Missing(_MACHINE)
            if broken := domain.judge_owner(machine, act.structure):
                return Refused(broken)
            secret = self._build_secret(made)
            changed = domain.add_secret(machine, secret, self._ports.clock())
            if not isinstance(changed, Machine):
                return Refused(changed)
            await self._keep(change, changed, act, "machine.secret_cree", secret=secret.id)
            return Done(changed, secret, made.text)

        return await self._run_once(act, work, "add_secret", client_id)

    async def remove_secret(self, act: Act, client_id: str, secret_id: str) -> Outcome:
        """Remove a secret: no token is given for it any more."""

        async def work(change: MachineChange) -> Outcome:
            machine = await _load_known(change, client_id, act.structure)
            if machine is None:
                return Missing(_MACHINE)
            if broken := domain.judge_owner(machine, act.structure):
                return Refused(broken)
            if machine.find_secret(secret_id) is None:
                return Missing(_SECRET)
            changed = domain.remove_secret(machine, secret_id)
            await self._keep(change, changed, act, "machine.secret_supprime", secret=secret_id)
            return Done(changed)

        return await self._run(act, work)

    async def _run(self, act: Act, work: Callable[[MachineChange], Awaitable[Outcome]]) -> Outcome:
        """Run `work` for a main manager, as the transaction reads who is one."""

        async def attempt(change: MachineChange) -> Outcome:
            if act.user not in await change.list_main_managers(act.structure):
                rule = rules.NOT_MAIN_MANAGER
                return Refused((rule.build_violation("X-Structure", structure=act.structure),))
            return await work(change)

        return await self._ports.machines.change(attempt)

    async def _run_once(
        self,
        act: Act,
        work: Callable[[MachineChange], Awaitable[Outcome]],
        *sent: object,
    ) -> Outcome:
        """Run `work` once for an idempotency key; a repeat shows no secret again."""
        owner = f"compte|{act.user}|{act.structure}"
        key = await build_key(owner, act.key, serialize_request(*sent), ())

        async def attempt(change: MachineChange) -> Outcome:
            if used := await change.find_key_use(key):
                return await _repeat(change, used.subject) if used.is_of(key) else KeyReused()
            outcome = await work(change)
            if isinstance(outcome, Done) and outcome.secret:
                subject = f"{outcome.machine.client_id}|{outcome.secret.id}"
                await change.record_key_use(key, subject)
            return outcome

        return await self._run(act, attempt)

    async def _keep(
        self,
        change: MachineChange,
        machine: Machine,
        act: Act,
        what: str,
        structures: Iterable[str] = (),
        **details: Detail,
    ) -> None:
        """Save a machine, publish what it may do, and tell it in the trails."""
        now = self._ports.clock()
        await change.save(machine)
        change.publish(build_state(machine, now, self._ports.new_id()))
        told = {act.structure, *structures}
        about: Mapping[str, Detail] = {"structure": act.structure, **details}
        await change.record(
            [
                AuditEntry(machine.client_id, what, act.user, now, about),
                *(
                    AuditEntry(each, what, act.user, now, {"machine": machine.client_id, **about})
                    for each in sorted(told)
                ),
            ]
        )

    def _build_secret(self, made: NewSecret) -> Secret:
        now = self._ports.clock()
        return Secret(self._ports.new_id(), made.digest, now, now + self._ports.secret_life)


async def _load_known(change: MachineChange, client_id: str, structure: str) -> Machine | None:
    """Read a machine that a structure owns, or to which it grants scopes."""
    machine = await change.load(client_id)
    if machine is None or structure not in {machine.owner, *machine.grants}:
        return None
    return machine if machine.is_active else None


async def _repeat(change: MachineChange, subject: str) -> Outcome:
    client_id, _, secret_id = subject.partition("|")
    machine = await change.load(client_id)
    if machine is None or not machine.is_active:
        return Missing(_MACHINE)
    return Done(machine, machine.find_secret(secret_id), is_replay=True)


def _parse_scopes(texts: Sequence[str]) -> tuple[list[Scope], tuple[Violation, ...]]:
    """Parse scopes, and name those that are none."""
    parsed = [(rank, text, parse_scope(text)) for rank, text in enumerate(texts)]
    broken = tuple(
        rules.SCOPE_UNKNOWN.build_violation(f"scopes.{rank}", scope=text)
        for rank, text, scope in parsed
        if scope is None
    )
    return [scope for _, _, scope in parsed if scope is not None], broken


def _name(scopes: Sequence[Scope]) -> tuple[str, ...]:
    return tuple(map(str, sort_scopes(scopes)))
