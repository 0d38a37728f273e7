"""Stored messages through today's code and rules, or another model: what would differ.

Each message is taken anew from what decided its turn then; nothing is written, queued or sent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session

from bot import hearing, snapshot
from bot.dialog import advance, named
from bot.nlu.understanding import Understanding
from bot.runtime import Runtime
from bot.snapshot import Json, Snapshot, SnapshotError, digest_of_stored
from bot.turn import State
from faults import described
from models import Borrower, Message, MessageStatus

KINDS: dict[str, tuple[str, ...]] = {
    "understood": ("intent", "opt_out", "crisis", "keyword", "language", "entities", "also"),
    "answered": ("replies",),
    "done": ("effects",),
    "left": ("step", "state"),
    "failed": ("failure",),
}
"""In which ways a message may differ, and what is compared for each. Confidence alone is none."""
NOT_TAKEN = "their turn was never taken"
NO_FACTS = "they were stored before facts were kept"
ANSWERS_GONE = "the borrower's identity answers are gone"


class Understands(Protocol):
    """What reads a text anew."""

    def understand(self, text: str, locale: str | None = None) -> Understanding:
        """Read one message."""
        ...


@dataclass(frozen=True)
class Side:
    """What was, or would now be, made of a message. Replies and effects as in a snapshot."""

    intent: str = ""
    confidence: float = 0.0
    opt_out: str = "no"
    crisis: bool = False
    keyword: str | None = None
    language: str | None = None
    entities: Mapping[str, Any] = field(default_factory=dict)
    also: str | None = None
    """The intent of a second wish."""
    replies: tuple[Json, ...] = ()
    effects: tuple[Json, ...] = ()
    step: str = ""
    state: str = ""
    """A digest of the dialogue's state afterwards."""
    model: str = ""
    failure: str = ""
    """Why the turn fails: the kind and place of the error."""


@dataclass(frozen=True)
class Difference:
    """A message that would go another way."""

    message_id: int
    conversation_id: int
    at: datetime
    text: str
    before: Side
    after: Side
    kinds: tuple[str, ...]
    """Some of ``KINDS``."""


@dataclass
class Report:
    """What a replay found."""

    messages: int = 0
    """All that were looked at."""
    same: int = 0
    differences: list[Difference] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    """How many messages could not be replayed, by reason."""

    @property
    def kinds(self) -> Counter[str]:
        """How many messages differ in each way; one may in several."""
        return Counter(kind for found in self.differences for kind in found.kinds)


def replay(
    rt: Runtime,
    since: datetime,
    reader: Understands | None = None,
    *,
    conversation_id: int | None = None,
    limit: int | None = None,
    whole: bool = False,
) -> Report:
    """Take stored messages' turns anew and compare.

    Args:
        rt: the runtime, whose rules are today's.
        since: from when on.
        reader: what reads the messages; the model that is served where not given.
        conversation_id: of one conversation alone.
        limit: the newest messages, so many.
        whole: each message meets the state to which the ones before it led now, instead of the
            one that it met then. What else it met stays: a payment, a hand-over, the time.

    """
    report = Report()
    with rt.reading() as session:
        again = _Again(rt, session, reader or rt.reader, whole)
        for row in session.execute(_messages(since, conversation_id, limit)).yield_per(500):
            report.messages += 1
            try:
                before, after = again.take(row)
            except SnapshotError as error:
                report.skipped[str(error)] += 1
                continue
            kinds = _kinds(before, after)
            if kinds:
                place = (row.id, row.conversation_id, row.created_at, row.body)
                report.differences.append(Difference(*place, before, after, kinds))
            else:
                report.same += 1
    return report


def _messages(since: datetime, conversation_id: int | None, limit: int | None) -> Select[Any]:
    """Inbound messages, conversation by conversation and in their order."""
    found = select(Message.id).where(Message.direction == "inbound", Message.created_at >= since)
    if conversation_id is not None:
        found = found.where(Message.conversation_id == conversation_id)
    if limit is not None:
        found = found.order_by(Message.id.desc()).limit(limit)
    columns = (Message.body, Message.status, Message.opt_out_type, Message.created_at)
    return (
        select(Message.id, Message.conversation_id, *columns, Message.understanding, Message.facts)
        .where(Message.id.in_(found))
        .order_by(Message.conversation_id, Message.id)
    )


@dataclass
class _Carried:
    """Where a conversation stands now that it is replayed as a whole."""

    conversation_id: int
    state: Json
    then: str
    """The digest of the state that it stood at then."""

    def instead_of(self, stored: Mapping[str, Any], conversation_id: int) -> Mapping[str, Any]:
        """The state that the next message meets now.

        Where somebody else changed it in between (a person, silence), that holds.
        """
        follows = conversation_id == self.conversation_id
        return self.state if follows and self.then == digest_of_stored(stored) else stored


@dataclass
class _Again:
    """Takes turns anew, one after the other."""

    rt: Runtime
    session: Session
    reader: Understands
    whole: bool
    _carried: _Carried | None = None
    _answers: dict[int, Mapping[str, str]] = field(default_factory=dict)

    def take(self, row: Row[Any]) -> tuple[Side, Side]:
        """What was made of a message, and what would be.

        Raises:
            SnapshotError: its turn cannot be taken again.

        """
        carried, self._carried = self._carried, None
        if row.status != MessageStatus.PROCESSED or row.understanding is None:
            raise SnapshotError(NOT_TAKEN)
        if row.facts is None:
            raise SnapshotError(NO_FACTS)
        kept = snapshot.read(row.facts)
        stored = kept.met.state
        if self.whole and carried is not None:
            stored = carried.instead_of(stored, row.conversation_id)
        answers = self._identity_answers(kept)
        try:
            after, state = self._turn(row, kept, stored, answers)
        except Exception as error:  # whatever it is, in a real turn it would fail that turn alone
            return _then(row, kept), Side(failure=described(error))
        self._carried = _Carried(row.conversation_id, state.to_json(), kept.outcome["state"])
        return _then(row, kept), after

    def _turn(
        self,
        row: Row[Any],
        kept: Snapshot,
        stored: Mapping[str, Any],
        answers: Mapping[str, str],
    ) -> tuple[Side, State]:
        met, now, policy = kept.met, kept.turn["now"], self.rt.policy
        understood = self.reader.understand(row.body, met.answered_in)
        understood = hearing.as_provider_says(row.opt_out_type, understood)
        state = hearing.state_met(stored, met.last_inbound_at, now, policy)
        heard = hearing.named_in(
            understood,
            kept.turn["loans"],
            state,
            now=now,
            timezone=kept.turn["timezone"],
            locale=met.locale,
        )
        outcome = advance(state, kept.again(understood, heard, policy, answers))
        said = snapshot.outcome_json(outcome, snapshot.NAME)
        return Side(
            intent=understood.intent,
            confidence=understood.confidence,
            opt_out=understood.opt_out,
            crisis=understood.crisis,
            keyword=understood.keyword,
            language=understood.language,
            entities=named(heard.entities),
            also=heard.also.intent if heard.also else None,
            replies=tuple(said["replies"]),
            effects=tuple(said["effects"]),
            step=outcome.state.step,
            state=said["state"],
        ), outcome.state

    def _identity_answers(self, kept: Snapshot) -> Mapping[str, str]:
        """The borrower's own, which no snapshot holds."""
        known = kept.met.borrower_id
        if known is not None and known not in self._answers:
            asked = select(Borrower.identity_answers).where(Borrower.id == known)
            self._answers[known] = self.session.scalar(asked) or {}
        answers = self._answers[known] if known is not None else {}
        kind = self.rt.policy.identity.ask
        if kind in kept.identity and kind not in answers and not kept.turn["verified"]:
            raise SnapshotError(ANSWERS_GONE)
        return answers


def _then(row: Row[Any], kept: Snapshot) -> Side:
    read = row.understanding
    return Side(
        intent=read["intent"],
        confidence=read["confidence"],
        opt_out=read["opt_out"],
        crisis=kept.crisis,
        keyword=read["keyword"],
        language=read["language"],
        entities=read["entities"],
        also=kept.also,
        replies=tuple(kept.outcome["replies"]),
        effects=tuple(kept.outcome["effects"]),
        step=read["step"],
        state=kept.outcome["state"],
        model=kept.met.model,
    )


def _kinds(before: Side, after: Side) -> tuple[str, ...]:
    if after.failure:
        return ("failed",)
    return tuple(
        kind
        for kind, names in KINDS.items()
        if any(getattr(before, name) != getattr(after, name) for name in names)
    )
