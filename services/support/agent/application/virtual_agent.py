"""Use cases of the virtual agent: start a conversation, answer a message, prefill a ticket."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.support.access.application.tokens import create_token, hash_token
from services.support.access.domain.parties import Asker
from services.support.access.domain.texts import judge_email, judge_text
from services.support.agent.application.ports import (
    AgentPorts,
    ConversationChange,
    StoredTurn,
    TrackingUnavailableError,
    TurnOutcome,
)
from services.support.agent.domain import rules as agent_rules
from services.support.agent.domain.conversation import (
    MESSAGE_LIMIT,
    TURNS_LIMIT,
    AnswerKind,
    Citation,
    Conversation,
    Turn,
    prefill_ticket,
)
from services.support.agent.domain.intents import Intent, ParsedMessage, parse_message
from services.support.agent.domain.piece_status import describe_pieces
from services.support.agent.domain.search_hits import choose_answer, list_related
from services.support.agent.domain.sentences import (
    ALREADY_PASSED_ON,
    ASKS_EMAIL,
    CONFIRMS,
    DROPPED,
    EMAIL_REFUSED,
    GREETING,
    NO_ACCOUNT,
    NOT_FOUND,
    PASSED_ON,
    PERSON_AVAILABLE,
    PORTAL_AWAY,
    TICKET,
    TOO_MANY_LINKS,
    UNSURE,
    WELCOME,
)
from services.support.desks.domain.hours import Availability
from services.support.desks.domain.opening import describe_closing
from services.support.suggestions.domain.suggestions import READ_LIMIT
from services.support.tickets.domain import rules as ticket_rules
from services.support.tickets.domain.prefill import Prefill
from shared.application.idempotency import Key, build_key
from shared.contracts.outgoing import Outgoing
from shared.contracts.support_v1 import ActivationLinkRequested
from shared.contracts.topics import ACTIVATION
from shared.rights.model import Requester
from shared.vocabulary.rules import Violation

ACTIVATION_ARTICLE = "activation-connexion"
_TRACK = "SUIVI"
_LINK = "ACTIVATION"


@dataclass(frozen=True, slots=True)
class StartedConversation:
    """A new conversation, and its token."""

    conversation: Conversation
    token: str | None
    """Token that continues the conversation without an account; None with one."""


class VirtualAgent:
    """Use cases of the virtual agent, which says so when it does not know an answer."""

    def __init__(self, ports: AgentPorts) -> None:
        """Use these ports."""
        self._ports = ports

    async def start_conversation(
        self, asker: Asker | None, address: str
    ) -> StartedConversation | Violation:
        """Start a conversation, or return the rate limit that refuses it."""
        if asker is None and await self._ports.messages.count_request(address):
            return agent_rules.TOO_MANY_CONVERSATIONS.build_violation("requête")
        conversation = Conversation(self._ports.new_id(), self._ports.clock(), asker)
        token = None if asker else create_token()
        await self._ports.conversations.insert(conversation, hash_token(token) if token else None)
        return StartedConversation(conversation, token)

    async def answer(
        self,
        conversation: Conversation,
        text: str,
        address: str,
        key: str | None = None,
        by: Requester | None = None,
    ) -> StoredTurn | tuple[Violation, ...] | None:
        """Answer a message and store both, once per idempotency key, or return why not.

        Pieces are tracked in the name of `by`, the caller with an account.

        None when the conversation is gone.
        """
        found = tuple(judge_text("text", "Le message", text, is_required=True, limit=MESSAGE_LIMIT))
        if found:
            return found
        ports = self._ports
        if conversation.asker is None and await ports.messages.count_request(address):
            return (agent_rules.TOO_MANY_CONVERSATIONS.build_violation("requête"),)
        used_key = await build_key(f"conversation|{conversation.id}", key, text, ())
        if used_key and (
            known := await ports.conversations.change(
                lambda change: _find_repeat(change, conversation.id, used_key)
            )
        ):
            return (known,) if isinstance(known, Violation) else known
        if conversation.is_full:
            return (agent_rules.CONVERSATION_FULL.build_violation("text", limit=TURNS_LIMIT),)
        parsed = parse_message(
            text,
            awaits_email=conversation.awaits_email,
            awaits_yes=conversation.unconfirmed is not None,
        )
        turn = await self._answer(conversation, text, parsed, address, by)
        outcome = await ports.conversations.change(
            lambda change: self._store(change, conversation.id, turn, used_key)
        )
        return (outcome,) if isinstance(outcome, Violation) else outcome

    async def _store(
        self, change: ConversationChange, conversation_id: str, turn: Turn, key: Key | None
    ) -> TurnOutcome:
        """Store a turn, unless its idempotency key was just used or the conversation is full."""
        if known := await _find_repeat(change, conversation_id, key):
            return known
        present = await change.load(conversation_id)
        if present is None:
            return None
        if present.is_full:
            return agent_rules.CONVERSATION_FULL.build_violation("text", limit=TURNS_LIMIT)
        kept = turn
        if turn.kind is AnswerKind.ACTIVATION_PASSED:
            if present.activation_asked:
                kept = self._build_turn(
                    turn.message, AnswerKind.ACTIVATION_REFUSED, ALREADY_PASSED_ON, _LINK
                )
            else:
                change.publish(self._build_request(present, turn.email or ""))
        await change.save(present.with_turn(kept))
        await change.record_key_use(key, str(len(present.turns)))
        return StoredTurn(kept, present.turns)

    def find_availability(self) -> Availability:
        """Tell whether people answer now, and when they next will."""
        return self._ports.hours.find_availability(self._ports.clock())

    async def prefill_ticket(self, conversation: Conversation, address: str) -> Prefill | Violation:
        """Prefill a ticket from a conversation; counts as a message in the rate limit."""
        if conversation.asker is None and await self._ports.messages.count_request(address):
            return agent_rules.TOO_MANY_CONVERSATIONS.build_violation("requête")
        return await self.build_prefill(conversation.turns)

    async def build_prefill(self, turns: Sequence[Turn]) -> Prefill:
        """Prefill a ticket from turns."""
        prefill = prefill_ticket(turns)
        if prefill.sub_category is not None:
            return prefill
        asked = "\n".join(turn.message for turn in turns)
        read = await self._ports.suggester.suggest(prefill.title, asked[-READ_LIMIT:])
        return Prefill(prefill.title, prefill.description, read.best, prefill.piece)

    async def _answer(
        self,
        conversation: Conversation,
        text: str,
        parsed: ParsedMessage,
        address: str,
        by: Requester | None,
    ) -> Turn:
        match parsed.intent:
            case Intent.GREETING | Intent.THANKS:
                courtesy = GREETING if parsed.intent is Intent.GREETING else WELCOME
                return self._build_turn(text, AnswerKind.GREETING, courtesy)
            case Intent.PIECE:
                return await self._track(by, text, parsed.numbers)
            case Intent.ACTIVATION | Intent.CONFIRMATION | Intent.RENUNCIATION:
                return await self._handle_activation(conversation, text, parsed, address)
            case Intent.PERSON:
                return self._build_turn(text, AnswerKind.PERSON, self._describe_opening())
            case Intent.TICKET:
                return self._build_turn(text, AnswerKind.TICKET, TICKET)
            case Intent.QUESTION:
                return self._search_articles(text)

    def _search_articles(self, text: str) -> Turn:
        found = self._ports.finder.search(text)
        best = choose_answer(found)
        if best is None:
            return self._build_turn(
                text, AnswerKind.UNSURE, f"{UNSURE}\n\n{self._describe_opening()}"
            )
        article = best.article
        return Turn(
            at=self._ports.clock(),
            message=text,
            kind=AnswerKind.ARTICLE,
            answer=best.passage.text,
            citation=Citation(article.code, article.title, best.passage.heading),
            related=tuple(
                Citation(each.code, each.title, each.title) for each in list_related(found)
            ),
            sub_category=article.sub_category,
        )

    async def _track(self, by: Requester | None, text: str, numbers: Sequence[str]) -> Turn:
        if by is None or by.structure is None:
            return self._build_turn(text, AnswerKind.NO_ACCOUNT, NO_ACCOUNT, _TRACK, numbers[0])
        try:
            for number in numbers:
                if pieces := await self._ports.tracking.find_pieces(by, number):
                    return self._build_turn(
                        text, AnswerKind.PIECE, describe_pieces(pieces), _TRACK, pieces[0].number
                    )
        except TrackingUnavailableError:
            away = AnswerKind.PORTAL_AWAY
            return self._build_turn(text, away, PORTAL_AWAY, _TRACK, numbers[0])
        answer = NOT_FOUND.format(number=numbers[0])
        return self._build_turn(text, AnswerKind.PIECE_NOT_FOUND, answer, _TRACK, numbers[0])

    async def _handle_activation(
        self, conversation: Conversation, text: str, parsed: ParsedMessage, address: str
    ) -> Turn:
        """Build the turn about an activation link; `answer` publishes the request."""
        if parsed.intent is Intent.RENUNCIATION:
            return self._build_turn(text, AnswerKind.ACTIVATION_DROPPED, DROPPED)
        if conversation.activation_asked:
            return self._build_turn(text, AnswerKind.ACTIVATION_REFUSED, ALREADY_PASSED_ON, _LINK)
        email = conversation.unconfirmed or ""
        is_same = (parsed.email or email).casefold() == email.casefold()
        if parsed.intent is Intent.CONFIRMATION and email and is_same:
            if await self._ports.links.find_exceeded(email, address):
                return self._build_turn(text, AnswerKind.ACTIVATION_REFUSED, TOO_MANY_LINKS, _LINK)
            return replace(
                self._build_turn(text, AnswerKind.ACTIVATION_PASSED, PASSED_ON, _LINK), email=email
            )
        return self._ask_for_address(text, parsed.email)

    def _ask_for_address(self, text: str, email: str | None) -> Turn:
        """Ask for the e-mail address of an account, or for its confirmation."""
        if email is None:
            article = self._ports.articles.get(ACTIVATION_ARTICLE)
            citation = Citation(article.code, article.title, article.title) if article else None
            asks = self._build_turn(text, AnswerKind.ACTIVATION_ASKS, ASKS_EMAIL, _LINK)
            return replace(asks, citation=citation)
        if any(judge_email("email", email)):
            return self._build_turn(text, AnswerKind.ACTIVATION_ASKS, EMAIL_REFUSED, _LINK)
        confirms = CONFIRMS.format(email=email)
        return replace(
            self._build_turn(text, AnswerKind.ACTIVATION_CONFIRMS, confirms, _LINK), email=email
        )

    def _build_request(self, conversation: Conversation, email: str) -> Outgoing:
        request = self._ports.new_id()
        asker = conversation.asker
        return Outgoing(
            topic=ACTIVATION,
            key=request,
            subject=request,
            payload=ActivationLinkRequested(
                request=request,
                email=email,
                structure=asker.structure if asker else None,
                requested_at=self._ports.clock(),
            ),
            correlation_id=conversation.id,
            # Each request is a stream of its own: it is taken once.
            sequence=1,
        )

    def _describe_opening(self) -> str:
        now = self._ports.clock()
        hours = self._ports.hours
        return PERSON_AVAILABLE if hours.is_open(now) else describe_closing(hours, now)

    def _build_turn(
        self,
        text: str,
        kind: AnswerKind,
        answer: str,
        sub_category: str | None = None,
        piece: str | None = None,
    ) -> Turn:
        return Turn(
            at=self._ports.clock(),
            message=text,
            kind=kind,
            answer=answer,
            sub_category=sub_category if sub_category in self._ports.sub_categories else None,
            piece=piece,
        )


async def _find_repeat(
    change: ConversationChange, conversation_id: str, key: Key | None
) -> StoredTurn | Violation | None:
    """Find the turn of an idempotency key, or refuse a key sent with another message."""
    used = await change.find_key_use(key)
    present = await change.load(conversation_id) if used else None
    if used is None or present is None:
        return None
    if not used.is_of(key):
        return ticket_rules.KEY_REUSED.build_violation("Idempotency-Key")
    rank = int(used.subject)
    return StoredTurn(present.turns[rank], present.turns[:rank], is_replay=True)
