"""Runs of journeys: carry out each step over HTTP, and record its expected outcome."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx

from deploy.local.demo.actor import Actor, Answer, File, Unexpected
from deploy.local.demo.context import DemoContext, build_following, build_opening
from deploy.local.demo.pieces import write_pdf
from deploy.local.demo.steps import Deposit, Journey, Outcome, Silence, Step, Treatment
from shared.circuit.statuses import Act
from shared.vocabulary.labels import STATUSES
from shared.vocabulary.roles import Purpose, Role
from shared.vocabulary.statuses import Status

_NUMBER_SPENT = "DEP-NUM-01"


@dataclass(frozen=True, slots=True)
class Delivery:
    """Delivery of a piece to a recipient: role, purpose, service and engagement."""

    piece_id: str
    number: str
    role: Role
    purpose: Purpose
    service: str | None
    engagement: str | None


@dataclass(slots=True)
class JourneyRun:
    """Run of one journey, with the deliveries, statuses and delays expected so far."""

    journey: Journey
    context: DemoContext
    pieces: list[Answer] = field(default_factory=list)
    deliveries: Counter[Delivery] = field(default_factory=Counter)
    statuses: dict[str, list[Status]] = field(default_factory=dict)
    """Expected statuses by piece."""
    delays: list[tuple[str, str]] = field(default_factory=list)
    """Expected delays elapsed: piece and name of the delay."""
    _services: dict[Role, str] = field(default_factory=dict)
    _engagement: str | None = None

    @property
    def piece(self) -> Answer:
        """Latest piece of the dossier."""
        return self.pieces[-1]

    @property
    def dossier_id(self) -> str:
        """Id of the dossier, which the first piece opened."""
        return str(self.pieces[0]["dossier_id"])

    async def carry_out(self, step: Step) -> None:
        """Carry out one step, and wait until service deposit knows the status that it led to."""
        match step:
            case Deposit():
                await self._deposit(step)
            case Treatment():
                await self._treat(step)
            case Silence(delay=delay):
                self.delays.append((self.piece["piece_id"], delay))
        self._record_expected(step)
        # Deposit learns the status a moment later: before, it would judge by the state of before.
        titulaire = self.context.build_actor(Role.TITULAIRE, self.journey.marche)
        piece_id = self.piece["piece_id"]
        await titulaire.wait_for_status(piece_id, self.statuses[piece_id][-1])

    async def _deposit(self, step: Deposit) -> None:
        context, marche = self.context, self.journey.marche
        actor = context.build_actor(step.by, marche)
        draft = context.build_draft(step.cadre, marche, step.ht, step.engagement)
        if self.pieces:
            previous = self.piece["piece_id"]
            await actor.wait_until_depositable(previous, step.cadre)
            file, fields = write_pdf(draft), build_following(draft, previous)
        else:
            file, fields = (
                self.journey.write(draft),
                build_opening(draft, marche, self.journey.write),
            )
        fields = _add_services(fields, step)
        if step.settles:
            fields |= {"settles": [context.tally.journeys[step.settles]]}
        answer = await actor.deposit(file, fields, key=draft.number)
        if step.is_sent_twice:
            await self._send_again(actor, file, fields, answer)
        if self.pieces:
            self.statuses[self.piece["piece_id"]].append(step.leaves)
        self.pieces.append(answer)
        self.statuses[answer["piece_id"]] = [Status.DEPOSEE]
        self._services.update(step.services)
        self._engagement = step.engagement
        context.tally.accept(answer, f"{self.journey.name}, {marche.label}")
        context.tally.journeys[self.journey.name] = answer["dossier_id"]

    async def _send_again(
        self, actor: Actor, file: File, fields: dict[str, Any], first: Answer
    ) -> None:
        """Send a piece again: with its idempotency key it is the same piece, without it refused."""
        again = await actor.deposit(file, fields, key=first["number"])
        if first["piece_id"] != again["piece_id"]:
            raise Unexpected("one Idempotency-Key gave two pieces")
        answer = await actor.try_deposit(file, fields)
        self._add_remark("même numéro déposé deux fois", check_refused_by(answer, _NUMBER_SPENT))

    async def _treat(self, step: Treatment) -> None:
        actor = self.context.build_actor(step.by, self.journey.marche)
        piece_id = self.piece["piece_id"]
        if step.act in (Act.COMPLETER, Act.CONTESTER):
            add = actor.complete if step.act is Act.COMPLETER else actor.contest
            draft = self.context.build_draft(self.piece["cadre"], self.journey.marche)
            enclosed = File("justificatif.pdf", "application/pdf", write_pdf(draft).content)
            await add(piece_id, step.comment or "", enclosed)
            return
        reasons = {
            name: value
            for name in ("motive", "comment", "correction")
            if (value := getattr(step, name))
        }
        if step.broken:
            answer = await actor.try_treat(piece_id, step.act, **reasons)
            self._add_remark(step.remark or step.act, check_refused_by(answer, step.broken))
            return
        await actor.treat(piece_id, step.act, **reasons)
        for role, party in (step.correction or {}).items():
            if role == "engagement":
                self._engagement = party
            else:
                self._services[Role(role)] = party["service"]

    def _record_expected(self, step: Outcome) -> None:
        piece_id = self.piece["piece_id"]
        self.statuses[piece_id] += step.then
        for purpose, roles in ((Purpose.ACTION, step.to), (Purpose.INFORMATION, step.informed)):
            for role in roles:
                delivery = Delivery(
                    piece_id,
                    self.piece["number"],
                    role,
                    purpose,
                    self._services.get(role),
                    self._engagement,
                )
                self.deliveries[delivery] += 1
        if step.remark and not getattr(step, "broken", None):
            self._add_remark(step.remark, self._describe_outcome(step))

    def _describe_outcome(self, step: Outcome) -> str:
        if isinstance(step, Deposit):
            changes = {each["field"]: each for each in self.piece["changes"]}
            return f"{changes['ttc']['previous']} → {changes['ttc']['now']}"
        if step.then:
            return " → ".join(STATUSES[status] for status in step.then)
        return f"proposée à : {', '.join(step.to)}"

    def _add_remark(self, seen: str, answer: str) -> None:
        self.context.tally.remarks.append((seen, answer))


async def run_all(
    context: DemoContext,
    journeys: Sequence[Journey],
    let_pass: Callable[[int], Awaitable[None]],
) -> list[JourneyRun]:
    """Run journeys concurrently. `let_pass` lets days pass, for all of them at once."""
    runs = [JourneyRun(journey, context) for journey in journeys]
    days = sorted({0} | {day for run in runs for day, _ in _date_steps(run.journey)})
    for rank, day in enumerate(days):
        if rank:
            passed = day - days[rank - 1]
            await let_pass(passed)
            context.today += timedelta(days=passed)
        await asyncio.gather(*(_run_day(run, day) for run in runs))
    return runs


async def _run_day(run: JourneyRun, day: int) -> None:
    for each, step in _date_steps(run.journey):
        if each == day:
            await run.carry_out(step)


def _date_steps(journey: Journey) -> list[tuple[int, Step]]:
    day = 0
    dated = []
    for step in journey.steps:
        day = step.until_day if isinstance(step, Silence) else day
        dated.append((day, step))
    return dated


def check_refused_by(answer: httpx.Response, code: str) -> str:
    """Return the HTTP status and codes of a refusal. Raises Unexpected when `code` is missing."""
    codes = [each["code"] for each in answer.json().get("violations", ())]
    if answer.status_code not in {409, 422} or code not in codes:
        raise Unexpected(f"{code} must refuse it: {answer.status_code} {answer.text}")
    return f"{answer.status_code} {', '.join(codes)}"


def _add_services(fields: dict[str, Any], step: Deposit) -> dict[str, Any]:
    parties = dict(fields.get("parties", {}))
    for role, service in step.services.items():
        parties[role.value] = parties.get(role.value, {}) | {"service": service}
    engagement = {"engagement": step.engagement} if step.engagement else {}
    return fields | ({"parties": parties} if parties else {}) | engagement
