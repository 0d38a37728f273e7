"""What is said on the line, what it was understood to mean, and who holds it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Identity
from models.people import Agent, Phone


class Sender(Base):
    """One of the lender's own numbers, on one channel."""

    __tablename__ = "senders"

    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    channel: Mapped[str] = mapped_column(String(16))
    address: Mapped[str] = mapped_column(String(40))
    country: Mapped[str] = mapped_column(String(2))
    messaging_service: Mapped[str | None] = mapped_column(String(40), index=True)
    account: Mapped[str | None] = mapped_column(String(40), index=True)

    __table_args__ = (UniqueConstraint("channel", "address"),)


class Conversation(Base):
    """All that one phone and one sender say to each other, and where the dialogue stands."""

    __tablename__ = "conversations"

    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    sender_id: Mapped[int] = mapped_column(ForeignKey("senders.id"))
    phone_id: Mapped[int] = mapped_column(ForeignKey("phones.id"), index=True)
    state: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """The dialogue's state as ``bot.turn.State.to_json`` writes it; steps are stored by name."""
    held_by: Mapped[str] = mapped_column(String(8), default="bot")
    """bot, or agent from hand-off to hand-back."""
    locale: Mapped[str | None] = mapped_column(String(16))
    """The language they write now, where it is clearly another than the borrower's stored one."""
    verified_until: Mapped[datetime | None]
    identity_misses: Mapped[int] = mapped_column(default=0)
    last_inbound_at: Mapped[datetime | None]
    wake_at: Mapped[datetime | None] = mapped_column(index=True)
    """When a question that stays open is reminded of, or closed; None where nothing is awaited."""
    created_at: Mapped[datetime]

    sender: Mapped[Sender] = relationship(lazy="joined", innerjoin=True)
    phone: Mapped[Phone] = relationship(lazy="joined", innerjoin=True)

    __table_args__ = (UniqueConstraint("sender_id", "phone_id"),)


class MessageStatus(StrEnum):
    """Where a message stands, in Twilio's words. A later rank is never overwritten by an earlier.

    ``received`` and ``processed`` are for inbound messages, ``unprocessed`` for one whose turn
    failed and will be tried again; ``blocked`` is the guard's word for one that may not be sent.
    """

    RECEIVED = "received"
    UNPROCESSED = "unprocessed"
    PROCESSED = "processed"
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    CANCELED = "canceled"
    BLOCKED = "blocked"

    @property
    def rank(self) -> int:
        """Its place on the way; equal ranks exclude each other, and the first one stays."""
        return _RANK[self]


_RANK = {
    MessageStatus.RECEIVED: 0,
    MessageStatus.UNPROCESSED: 1,
    MessageStatus.PROCESSED: 2,
    MessageStatus.QUEUED: 0,
    MessageStatus.SENDING: 1,
    MessageStatus.SENT: 2,
    MessageStatus.DELIVERED: 3,
    MessageStatus.UNDELIVERED: 3,
    MessageStatus.FAILED: 3,
    MessageStatus.CANCELED: 3,
    MessageStatus.BLOCKED: 3,
    MessageStatus.READ: 4,
}


class Message(Base):
    """One text, in either direction. Never deleted but by retention or erasure."""

    __tablename__ = "messages"

    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"))
    direction: Mapped[str] = mapped_column(String(8))
    """inbound or outbound."""
    channel: Mapped[str] = mapped_column(String(16))
    external_id: Mapped[str | None] = mapped_column(String(80))
    """The provider's id. Unique: a repeated delivery finds the first row."""
    in_reply_to_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id"), index=True)
    body: Mapped[str] = mapped_column(Text)
    media: Mapped[list[dict[str, str]]] = mapped_column(JSON, default=list)
    status: Mapped[str] = mapped_column(String(12))
    error_code: Mapped[str | None] = mapped_column(String(16))
    segments: Mapped[int] = mapped_column(default=1)
    attempts: Mapped[int] = mapped_column(default=0)
    """Turns that failed (inbound) or deliveries that were tried (outbound)."""
    retry_at: Mapped[datetime | None]
    """When the outbox, or the retry of a failed turn, may take it up again."""
    opt_out_type: Mapped[str | None] = mapped_column(String(8))
    """STOP, START or HELP where the provider has understood and answered it by itself."""
    reply_key: Mapped[str | None] = mapped_column(Text)
    """The keys of what it says, separated by blanks."""
    reason: Mapped[str | None] = mapped_column(String(120))
    """Why the guard blocked it, or why the turn failed."""
    understanding: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    """What was read in it: intent, confidence, entities, language, and the step it led to."""
    facts: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    """All else that decided its turn, so that the turn can be replayed."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    conversation: Mapped[Conversation] = relationship()

    __table_args__ = (
        UniqueConstraint("channel", "external_id"),
        Index("ix_messages_conversation_id_id", "conversation_id", "id"),
        Index("ix_messages_status_retry_at", "status", "retry_at"),
    )


class ConsentEvent(Base):
    """One line of the consent ledger. Rows are only ever added."""

    __tablename__ = "consent_events"

    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    phone_id: Mapped[int] = mapped_column(ForeignKey("phones.id"), index=True)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id"))
    kind: Mapped[str] = mapped_column(String(16))
    """opt_out, opt_in, fewer or wrong_number."""
    source: Mapped[str] = mapped_column(String(16))
    """keyword, model, confirmed (asked, and said so), provider or agent."""
    words: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]


class Handoff(Base):
    """The bot asked for a person, and why."""

    __tablename__ = "handoffs"

    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), index=True)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id"))
    queue: Mapped[str] = mapped_column(String(16))
    """crisis, fraud, complaint, dispute, hardship or general."""
    reason: Mapped[str] = mapped_column(String(64))
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agents.id"))
    call_back_at: Mapped[datetime | None]
    """When the borrower asked to be called."""
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]

    agent: Mapped[Agent | None] = relationship()


class NluExample(Base):
    """A text with the intent that a person gave it: tomorrow's training data."""

    __tablename__ = "nlu_examples"

    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id"))
    text: Mapped[str] = mapped_column(Text)
    language: Mapped[str | None] = mapped_column(String(8))
    intent: Mapped[str] = mapped_column(String(32))
    labelled_by_id: Mapped[int | None] = mapped_column(ForeignKey("agents.id"))
    created_at: Mapped[datetime]
