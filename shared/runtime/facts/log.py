"""Facts that a transaction notes: logged after its commit, and never after a rollback."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.contracts.envelope import Event
from shared.contracts.facts import DEAD_LETTER, DELIVERY, list_facts
from shared.runtime.facts.fact_spans import record_transaction
from shared.runtime.facts.lines import write_lines
from shared.runtime.facts.occurrence import Ids, Occurrence, list_ids
from shared.runtime.logs import get_logger
from shared.runtime.tracing.spans import RootSpan, get_current_root, tracing
from shared.runtime.tracing.traceparent import (
    HEADER,
    SpanContext,
    compute_delivery_span_id,
    compute_trace_id,
    parse_traceparent,
)

_log = get_logger(__name__)


@dataclass(slots=True)
class FactLog:
    """Facts of one attempt of a transaction, to log; `write` is called once it has committed."""

    service: str
    _started_ns: int = field(default_factory=time.time_ns)
    _occurrences: list[Occurrence] = field(default_factory=list)
    _warnings: list[tuple[str, Mapping[str, object]]] = field(default_factory=list)
    _roots: list[tuple[RootSpan, str]] = field(default_factory=list)
    _handled: set[str] = field(default_factory=set)
    """Ids of the messages that take effect."""

    def note_message(self, event: Event[Any], act: str | None) -> None:
        """Note the facts that a message states; `act` is its `Outgoing.act`."""
        ids, cause = list_ids(event), self._find_cause(event)
        root = get_current_root() if cause is None else None
        if root is not None:
            # The root span is in the trace of this message, even if the message states no fact.
            self._roots.append((root, compute_trace_id(event.correlationid)))
        for fact, fields in list_facts(event, act):
            self._occurrences.append(Occurrence(fact, ids, fields, cause=cause, root=root))

    def note_delivery(self, event: Event[Any], topic: str, headers: Mapping[str, str]) -> None:
        """Note that a message takes effect; to be called before noting the facts that it causes."""
        self._handled.add(event.id)
        fields, sent = {"topic": topic, "type": event.type}, _find_sent(headers)
        self._occurrences.append(Occurrence(DELIVERY, list_ids(event), fields, sent=sent))

    def find_parent_span(self, event: Event[Any]) -> str | None:
        """Find the parent span of a message's publication; None without one, or without tracing."""
        if not tracing.is_on:
            return None
        cause, root = self._find_cause(event), get_current_root()
        if cause is not None:
            return compute_delivery_span_id(cause, self.service)
        return root.span_id if root else None

    def _find_cause(self, event: Event[Any]) -> str | None:
        """Find the message, of those that this transaction handles, that caused another one.

        None when none of them did: a job may act on a message that was handled long before.
        """
        return event.causationid if event.causationid in self._handled else None

    def note_dead_letter(
        self, ids: Ids, topic: str, entry: str, reason: str, headers: Mapping[str, str]
    ) -> None:
        """Note that a message could not be handled."""
        fields = {"topic": topic, "entry": entry, "reason": reason}
        self._occurrences.append(Occurrence(DEAD_LETTER, ids, fields, sent=_find_sent(headers)))

    def note_warning(self, event: str, **fields: object) -> None:
        """Note a warning, to log after the commit."""
        self._warnings.append((event, fields))

    def write(self) -> None:
        """Log all that was noted, and record the spans; called after the commit."""
        write_lines(self.service, self._occurrences)
        for event, fields in self._warnings:
            _log.warning(event, **fields)
        if tracing.is_on:
            for root, trace_id in self._roots:
                root.add(trace_id, [])
            record_transaction(self.service, self._started_ns, self._occurrences)


def _find_sent(headers: Mapping[str, str]) -> SpanContext | None:
    return parse_traceparent(headers.get(HEADER)) if tracing.is_on else None
