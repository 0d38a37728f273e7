"""A conversation as pages show it: bubbles, what was understood, and the facts beside them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, type_coerce
from sqlalchemy.orm import Session

from bot.replies import segments
from bot.runtime import Runtime
from bot.turn import IDLE, Money
from models import Borrower, Conversation, Handoff, Instalment, Loan, Message, Phone
from models import Money as MoneyColumn

TICKS = {
    "received": "✓",
    "unprocessed": "↻",
    "processed": "✓✓",
    "queued": "◷",
    "sending": "✓",
    "sent": "✓",
    "delivered": "✓✓",
    "read": "✓✓",
    "undelivered": "!",
    "failed": "!",
    "canceled": "!",
    "blocked": "!",
    "on its way": "◷",
    "lost": "!",
}
"""How far a message has come, at a glance; the status itself stands beside it."""


@dataclass(frozen=True)
class Bubble:
    """One text of a conversation."""

    id: int | None
    external_id: str | None
    direction: str
    text: str
    at: datetime
    status: str
    segments: int
    encoding: str
    media: int = 0
    reply_key: str | None = None
    reason: str | None = None
    error_code: str | None = None
    attempts: int = 0
    understanding: dict[str, Any] | None = None

    @property
    def key(self) -> str:
        """What tells it from all others of its conversation, before and after it is stored."""
        return (
            self.external_id if self.external_id and self.direction == "inbound" else f"m{self.id}"
        )

    @property
    def ticks(self) -> str:
        """How far it has come, as a sign."""
        return TICKS.get(self.status, "")

    @property
    def runners_up(self) -> list[list[Any]]:
        """The intents that came second and third, with their confidences."""
        return list((self.understanding or {}).get("ranking", []))[1:3]


@dataclass(frozen=True)
class OpenHandoff:
    """A person was asked for, and none has closed it yet."""

    queue: str
    reason: str
    since: datetime


@dataclass(frozen=True)
class Facts:
    """Where a conversation stands."""

    name: str
    number: str
    locale: str
    timezone: str = "UTC"
    country: str = ""
    held_by: str = "bot"
    step: str = IDLE
    verified_until: datetime | None = None
    identity_misses: int = 0
    opted_out_at: datetime | None = None
    barred_reason: str | None = None
    handoffs: tuple[OpenHandoff, ...] = ()
    owes: tuple[tuple[str, Money], ...] = ()
    """Each loan's product and balance."""
    conversation_id: int | None = None


def name_of(borrower: Borrower | None) -> str:
    """A person's name in the order of their language; empty for a number that is nobody's."""
    if borrower is None:
        return ""
    if borrower.locale.startswith("zh"):
        return f"{borrower.last_name}{borrower.first_name}"
    return f"{borrower.first_name} {borrower.last_name}".strip()


def facts_of(
    rt: Runtime, session: Session, pairs: Sequence[tuple[Phone, Conversation | None]]
) -> list[Facts]:
    """The facts of phones, each with its conversation where it has one."""
    handoffs = _open_handoffs(session, [c.id for _, c in pairs if c is not None])
    owes = _owed(session, [p.borrower_id for p, _ in pairs if p.borrower_id is not None])
    found = []
    for phone, conversation in pairs:
        borrower = phone.borrower
        facts = Facts(
            name=name_of(borrower),
            number=phone.number,
            locale=borrower.locale if borrower else "en",
            timezone=borrower.timezone if borrower else "UTC",
            country=borrower.country if borrower else "",
            opted_out_at=phone.opted_out_at,
            barred_reason=phone.barred_reason if phone.barred_at else None,
            owes=tuple(owes[borrower.id]) if borrower else (),
        )
        if conversation is not None:
            until = conversation.verified_until
            facts = replace(
                facts,
                conversation_id=conversation.id,
                locale=conversation.locale or facts.locale,
                held_by=conversation.held_by,
                step=conversation.state.get("step", IDLE),
                verified_until=until if until and until > rt.clock() else None,
                identity_misses=conversation.identity_misses,
                handoffs=tuple(handoffs[conversation.id]),
            )
        found.append(facts)
    return found


def _open_handoffs(session: Session, ids: list[int]) -> dict[int, list[OpenHandoff]]:
    """The hand-offs that nobody has closed, by conversation."""
    found = defaultdict(list)
    query = (
        select(Handoff)
        .where(Handoff.conversation_id.in_(ids), Handoff.closed_at.is_(None))
        .order_by(Handoff.id)
    )
    for handoff in session.scalars(query):
        entry = OpenHandoff(handoff.queue, handoff.reason, handoff.created_at)
        found[handoff.conversation_id].append(entry)
    return found


def _owed(session: Session, ids: list[int]) -> dict[int, list[tuple[str, Money]]]:
    """Each loan's product and balance, by borrower."""
    parts = func.sum(Instalment.amount - Instalment.paid)
    unpaid = type_coerce(func.coalesce(parts, 0), MoneyColumn)
    query = (
        select(Loan.borrower_id, Loan.product, Loan.currency, Loan.late_charges, unpaid)
        .join(Instalment, isouter=True)
        .where(Loan.borrower_id.in_(ids))
        .group_by(Loan.id)
        .order_by(Loan.id)
    )
    found = defaultdict(list)
    for borrower_id, product, currency, late_charges, rest in session.execute(query):
        found[borrower_id].append((product, Money(late_charges + rest, currency)))
    return found


def bubbles_of(
    session: Session, conversation_id: int, *, limit: int = 100, before: int | None = None
) -> list[Bubble]:
    """The latest messages of a conversation, oldest first.

    Args:
        session: to read with.
        conversation_id: which one.
        limit: how many at most.
        before: only messages older than the one with this id.

    """
    query = select(Message).where(Message.conversation_id == conversation_id)
    if before is not None:
        query = query.where(Message.id < before)
    newest_first = session.scalars(query.order_by(Message.id.desc()).limit(limit))
    return [_bubble(message) for message in reversed(newest_first.all())]


def _bubble(message: Message) -> Bubble:
    return Bubble(
        id=message.id,
        external_id=message.external_id,
        direction=message.direction,
        text=message.body,
        at=message.created_at,
        status=message.status,
        segments=message.segments,
        encoding=segments(message.body).encoding,
        media=len(message.media),
        reply_key=message.reply_key,
        reason=message.reason,
        error_code=message.error_code,
        attempts=message.attempts,
        understanding=message.understanding,
    )
