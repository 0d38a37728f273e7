"""The use cases: receive a message, take a turn, put right what went wrong.

Each is one transaction, committed once. The rows are the truth; jobs carry only their ids.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot import acts, book, effects, guard, hearing, outbox, queries, silence, snapshot
from bot.dialog import advance, named, open_step
from bot.entities import Entities
from bot.nlu.understanding import Understanding
from bot.outbox import UNREACHABLE, record_status
from bot.payments import record_payment
from bot.replies import language_of, segments
from bot.runtime import Runtime
from bot.turn import Outcome, Reply, State, Turn
from channels.base import (
    InboundMessage,
    LoggedMessage,
    Media,
    OutboundMessage,
    StatusUpdate,
    UnknownSender,
)
from faults import described
from models import (
    Borrower,
    Conversation,
    Handoff,
    Message,
    MessageStatus,
    Phone,
    Sender,
    UnitOfWork,
)

__all__ = [
    "Received",
    "Reconciled",
    "hand_back",
    "receive",
    "reconcile",
    "record_payment",
    "record_status",
    "retry_turn",
    "sweep",
]

log = logging.getLogger(__name__)

TURN_ATTEMPTS = 3
CONFIRMED_WITHIN = timedelta(minutes=5)
"""A text that was handed over and of which nothing was heard for so long is looked up."""


@dataclass(frozen=True)
class Received:
    """What follows from an inbound message: whether it was known, and the answer to give."""

    duplicate: bool
    replies: tuple[OutboundMessage, ...] = ()


def receive(rt: Runtime, inbound: InboundMessage, *, in_response: bool = True) -> Received:
    """Store a message once and for all, take its turn, and give back the answer.

    A repeated delivery gets the same answer again for as long as no status callback confirmed it.

    Args:
        rt: the runtime.
        inbound: what the provider brought.
        in_response: the provider takes the answer in its own response. Otherwise the answer
            goes through the outbox.

    Raises:
        UnknownSender: it was sent to a number that is none of ours; nothing is stored.

    """
    before = _before(rt, inbound)
    if before.message_id is not None:
        return _again(rt, before.message_id)
    # Reading needs no database. It is done before the transaction, which holds a lock.
    understood = _attempt(lambda: rt.reader.understand(inbound.text, before.locale))
    try:
        with rt.unit_of_work() as uow:
            conversation = _lock_conversation(uow.session, rt, inbound)
            message = _store(uow.session, rt, conversation, inbound)
            if before.waiting:
                _take_waiting(rt, uow, conversation, message)
            taking = _Taking(rt, uow, conversation, message, in_response, inbound.sent_at)
            replies = _try_turn(taking, understood)
            uow.commit()
            outbound = (outbox.outbound_of(rt, conversation, reply) for reply in replies)
            return Received(False, tuple(outbound))
    except IntegrityError:
        # Two deliveries at once: the unique key let one in, and this is the other.
        before = _before(rt, inbound)
        if before.message_id is None:
            raise
        return _again(rt, before.message_id)


def retry_turn(rt: Runtime, message_id: int) -> None:
    """Take the turn of a stored message whose first turn failed. Does nothing when it is done."""
    with rt.unit_of_work() as uow:
        found = uow.session.get(Message, message_id)
        if found is None:
            return
        conversation = _locked(uow.session, found.conversation_id)
        message = uow.session.get_one(Message, message_id, populate_existing=True)
        if message.status != MessageStatus.UNPROCESSED or message.retry_at is None:
            return
        _take_again(rt, uow, conversation, message)
        uow.commit()


def _take_waiting(
    rt: Runtime, uow: UnitOfWork, conversation: Conversation, message: Message
) -> None:
    """Turns that failed before are taken before a new one, so that a person's order is kept."""
    waiting = (
        select(Message)
        .where(
            Message.conversation_id == conversation.id,
            Message.status == MessageStatus.UNPROCESSED,
            Message.retry_at.is_not(None),
            Message.id < message.id,
        )
        .order_by(Message.id)
    )
    for earlier in uow.session.scalars(waiting).all():
        _take_again(rt, uow, conversation, earlier)


def _take_again(rt: Runtime, uow: UnitOfWork, conversation: Conversation, message: Message) -> None:
    locale = outbox.locale_of(conversation)
    understood = _attempt(lambda: rt.reader.understand(message.body, locale))
    _try_turn(_Taking(rt, uow, conversation, message, in_response=False), understood)


@dataclass(frozen=True)
class _Before:
    """What is known before the transaction: a repeated message's first row, and how to read."""

    message_id: int | None
    locale: str | None
    """The language that they are answered in: some carrier words hold in one country only."""
    waiting: int
    """Earlier messages of the same phone whose turn failed and is still to be taken."""


def _before(rt: Runtime, inbound: InboundMessage) -> _Before:
    asked = {"channel": inbound.channel, "external_id": inbound.external_id}
    with rt.reading() as session:
        found = session.execute(queries.before(), {**asked, "number": inbound.from_number})
        return _Before(*found.one())


def _again(rt: Runtime, message_id: int) -> Received:
    """The answer that was given to a message before, as far as it is not confirmed yet."""
    with rt.reading() as session:
        replies = session.scalars(
            select(Message)
            .where(
                Message.in_reply_to_id == message_id,
                Message.status == MessageStatus.SENDING,
                Message.external_id.is_(None),
                Message.attempts == 0,
            )
            .order_by(Message.id)
        )
        outbound = tuple(
            outbox.outbound_of(rt, reply.conversation, reply)
            for reply in replies
            if _may_be_repeated(reply)
        )
        return Received(True, outbound)


def _may_be_repeated(reply: Message) -> bool:
    """An answer given before a STOP, or before the number was barred, is not given again."""
    phone, keys = reply.conversation.phone, (reply.reply_key or "").split()
    if phone.opted_out_at is not None and not guard.is_last_word(keys):
        return False
    return phone.barred_at is None or set(keys) == {guard.APOLOGY}


def _find_sender(session: Session, inbound: InboundMessage) -> Sender:
    """Whose number was written to.

    The number decides before the service and the account: a number in a Messaging Service
    carries the service's id on every call.
    """
    clues = (
        Sender.address == inbound.to,
        Sender.messaging_service == inbound.messaging_service
        if inbound.messaging_service
        else None,
        Sender.account == inbound.account if inbound.account else None,
    )
    for clue in clues:
        if clue is not None:
            sender = session.scalar(
                select(Sender).where(Sender.channel == inbound.channel, clue).limit(1)
            )
            if sender is not None:
                return sender
    raise UnknownSender("a message came for a number that is none of ours")


def _lock_conversation(session: Session, rt: Runtime, inbound: InboundMessage) -> Conversation:
    """The conversation of a phone and a sender, opened where there is none: one turn at a time."""
    number = {"number": inbound.from_number}
    address = {"channel": inbound.channel, "address": inbound.to}
    conversation = session.scalar(queries.conversation_by_address(), {**number, **address})
    if conversation is None:
        sender = _find_sender(session, inbound)
        known = {**number, "sender_id": sender.id}
        conversation = session.scalar(queries.conversation_by_sender(), known)
        if conversation is None:
            _open_conversation(session, rt, sender, inbound.from_number)
            conversation = session.scalars(queries.conversation_by_sender(), known).one()
    return conversation


def _locked(session: Session, conversation_id: int) -> Conversation:
    known = {"conversation_id": conversation_id}
    return session.scalars(queries.conversation_by_id(), known).one()


def _open_conversation(session: Session, rt: Runtime, sender: Sender, number: str) -> None:
    _insert_once(session, Phone, number=number, barred_reason="")
    phone_id = session.scalar(select(Phone.id).where(Phone.number == number))
    _insert_once(
        session,
        Conversation,
        sender_id=sender.id,
        phone_id=phone_id,
        state={},
        held_by="bot",
        identity_misses=0,
        created_at=rt.clock(),
    )


def _insert_once(session: Session, table: type[Any], **values: Any) -> None:
    """Insert unless another worker did so in the same moment."""
    dialect = session.get_bind().dialect.name
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    session.execute(insert(table).values(**values).on_conflict_do_nothing())


def _store(
    session: Session, rt: Runtime, conversation: Conversation, inbound: InboundMessage
) -> Message:
    now = rt.clock()
    message = Message(
        conversation_id=conversation.id,
        direction="inbound",
        channel=inbound.channel,
        external_id=inbound.external_id,
        body=inbound.text,
        media=[{"url": m.url, "content_type": m.content_type} for m in inbound.media],
        status=MessageStatus.RECEIVED,
        segments=segments(inbound.text).count,
        opt_out_type=inbound.opt_out_type,
        attempts=0,
        created_at=now,
        updated_at=now,
    )
    phone = conversation.phone
    if phone.confirmed_at is None or now - phone.confirmed_at > timedelta(days=1):
        phone.confirmed_at = now
    if phone.barred_reason == UNREACHABLE:  # who writes can be reached
        phone.barred_at, phone.barred_reason = None, ""
    session.add(message)
    session.flush()  # here the unique key decides
    return message


Attempt = Callable[[], Understanding]


def _attempt(read: Attempt) -> Attempt:
    """Read now, so that no lock is held meanwhile; a failure belongs to the turn, later."""
    try:
        understood = read()
    except Exception as error:  # whatever it is, the message must be stored all the same
        failure = error

        def fail() -> Understanding:
            raise failure

        return fail
    return lambda: understood


@dataclass(frozen=True)
class _Taking:
    """A turn being taken: where, of whom, and whether the answer goes in the response."""

    rt: Runtime
    uow: UnitOfWork
    conversation: Conversation
    message: Message
    in_response: bool
    written_at: datetime | None = None
    """When the borrower wrote it, where the provider says so; else it is when it came."""


def _try_turn(taking: _Taking, understood: Attempt) -> list[Message]:
    """Take the turn inside a savepoint.

    If it fails, the message stays, to be tried again; the third failure is for a person.

    Args:
        taking: the turn.
        understood: gives what was read in the message, or raises what went wrong.

    """
    rt, uow, message = taking.rt, taking.uow, taking.message
    try:
        with uow.session.begin_nested():
            replies = _take_turn(taking, understood())
            uow.session.add_all(replies)
            uow.session.flush()
        for reply in replies:
            if reply.status == MessageStatus.QUEUED:
                uow.after_commit(rt.enqueue, "deliver", reply.id)
        return [reply for reply in replies if reply.status != MessageStatus.BLOCKED]
    except Exception as error:  # a borrower's message is never lost, whatever broke
        now = rt.clock()
        log.error("turn failed message=%s error=%s", message.id, described(error))
        message.attempts += 1
        message.status = MessageStatus.UNPROCESSED
        message.reason = type(error).__name__
        taking.conversation.last_inbound_at = message.created_at
        message.updated_at = now
        if message.attempts < TURN_ATTEMPTS:
            message.retry_at = now + timedelta(seconds=15 * message.attempts)
        else:
            message.retry_at = None
            taking.conversation.held_by = "agent"
            uow.session.add(
                Handoff(
                    conversation_id=taking.conversation.id,
                    message_id=message.id,
                    queue="general",
                    reason="turn_failed",
                    created_at=now,
                )
            )
        uow.session.flush()
        return []


def _take_turn(taking: _Taking, understood: Understanding) -> list[Message]:
    rt, session, conversation = taking.rt, taking.uow.session, taking.conversation
    message, now, borrower = taking.message, rt.clock(), conversation.phone.borrower
    today = book.today_of(borrower, now)
    loans = book.loans_of(session, borrower, today) if borrower else ()
    understood = hearing.as_provider_says(message.opt_out_type, understood)
    met = _met(rt, conversation)
    state = hearing.state_met(met.state, met.last_inbound_at, now, rt.policy)
    timezone = borrower.timezone if borrower else "UTC"
    heard = hearing.named_in(
        understood, loans, state, now=now, timezone=timezone, locale=met.locale
    )
    entities = heard.entities
    turn = Turn(
        text=message.body,
        understanding=understood,
        entities=entities,
        now=now,
        today=today,
        policy=rt.policy,
        country=borrower.country if borrower else conversation.sender.country,
        first_name=borrower.first_name if borrower else None,
        timezone=timezone,
        language=language_of(met.answered_in),
        loans=loans,
        payments=book.payments_of(session, borrower, now) if borrower else (),
        methods=book.methods_of(session, borrower) if borrower else (),
        cases=book.cases_of(session, borrower) if borrower else (),
        identity_answers=borrower.identity_answers if borrower else {},
        identity_misses=conversation.identity_misses,
        verified=_is_verified(conversation, now),
        opted_out=conversation.phone.opted_out_at is not None,
        held=conversation.held_by == "agent",
        has_media=bool(message.media),
        also=heard.also,
    )
    outcome = _asked_again(taking, turn, state, advance(state, turn))
    after = taking.uow.after_commit
    act = acts.Act(rt, session, conversation, message, now, today, after)
    values = acts.apply(act, outcome.effects)
    if not any(isinstance(effect, effects.SetLanguage) for effect in outcome.effects):
        _note_language(conversation, borrower, understood)
    conversation.state = outcome.state.to_json()
    waits = conversation.held_by != "agent"  # what a person holds is theirs to go on with
    conversation.wake_at = silence.wakes_at(outcome.state, now, rt.policy) if waits else None
    conversation.last_inbound_at = message.created_at
    message.understanding = _record(understood, entities, outcome)
    message.facts = snapshot.take(turn, met, outcome)
    message.status, message.retry_at = MessageStatus.PROCESSED, None
    message.updated_at = now
    # Where the provider answers STOP, START and HELP by itself, a second answer would be one too
    # many: https://www.twilio.com/docs/messaging/guides/webhook-request (OptOutType)
    if message.opt_out_type or not outcome.replies:
        return []
    reply = outbox.write(rt, conversation, message, outcome.replies, values, now)
    _judge(taking, turn, outcome.replies, reply)
    return [reply, *_instead(taking, turn, act, reply)]


BINDING = (
    *(effects.GrantExtension, effects.AgreePlan, effects.AgreeRelief),
    *(effects.RecordPromise, effects.ChargeMethod),
)
"""Effects that a borrower must have said yes to."""


def _asked_again(taking: _Taking, turn: Turn, state: State, outcome: Outcome) -> Outcome:
    """The open question once more, where the yes was written before the read-back had left us."""
    step = open_step(state)
    if step is None or not any(isinstance(effect, BINDING) for effect in outcome.effects):
        return outcome
    last = taking.uow.session.execute(
        queries.last_answer(), {"conversation_id": taking.conversation.id}
    ).first()
    written_at = taking.written_at or taking.message.created_at
    if last is not None and last.status != MessageStatus.QUEUED and last.created_at <= written_at:
        return outcome
    return Outcome(state, (step.ask(turn, state.slots),))


def _judge(taking: _Taking, turn: Turn, replies: tuple[Reply, ...], row: Message) -> None:
    """Let the guard decide, and say which way the reply leaves."""
    conversation = taking.conversation
    text = guard.Text(
        keys=tuple(reply.key for reply in replies),
        body=row.body,
        locale=outbox.locale_of(conversation),
        replies=replies,
    )
    facts = guard.Facts(
        now=turn.now,
        policy=turn.policy,
        opted_out=conversation.phone.opted_out_at is not None,
        barred=conversation.phone.barred_at is not None,
        verified=not turn.policy.identity.ask or _is_verified(conversation, turn.now),
        held=turn.held,
        loans=turn.loans,
    )
    row.reason = guard.decide(text, facts).reason
    if row.reason:
        row.status = MessageStatus.BLOCKED
        log.warning("reply blocked message=%s reason=%s", taking.message.id, row.reason)
    elif taking.in_response:
        row.status = MessageStatus.SENDING


def _instead(taking: _Taking, turn: Turn, act: acts.Act, blocked: Message) -> list[Message]:
    """Where an answer may not go, a person gets the message, and the borrower hears that."""
    if blocked.reason is None or blocked.reason in guard.TO_BE_SILENT:
        return []
    nobody = blocked.reason == "barred"  # nothing may be said to this number
    acts.apply(act, (effects.HandOff("general", "reply_blocked", hold=not nobody),))
    taking.conversation.state = State().to_json()  # a question that nobody has read is not open
    if turn.held or nobody:
        return []
    said = (Reply("handoff.person"),)
    row = outbox.write(taking.rt, taking.conversation, taking.message, said, {}, turn.now)
    _judge(taking, turn, said, row)
    return [row]


def _is_verified(conversation: Conversation, now: datetime) -> bool:
    return conversation.verified_until is not None and conversation.verified_until > now


def _met(rt: Runtime, conversation: Conversation) -> snapshot.Met:
    """What a message meets, kept with it for a replay."""
    borrower = conversation.phone.borrower
    return snapshot.Met(
        state=conversation.state,
        last_inbound_at=conversation.last_inbound_at,
        locale=borrower.locale if borrower else "en",
        answered_in=outbox.locale_of(conversation),
        borrower_id=borrower.id if borrower else None,
        model=rt.reader.name,
    )


def _note_language(
    conversation: Conversation, borrower: Borrower | None, understood: Understanding
) -> None:
    """Answer in the language that they write, once it is clear that it is another."""
    stored = borrower.locale if borrower else "en"
    current = conversation.locale or stored
    written = understood.language
    if written and understood.language_clear and language_of(current) != written:
        conversation.locale = None if language_of(stored) == written else written


def _record(understood: Understanding, entities: Entities, outcome: Outcome) -> dict[str, Any]:
    """What was understood, as it is kept with the message and shown to people."""
    return {
        "language": understood.language,
        "intent": understood.intent,
        "confidence": round(understood.confidence, 4),
        "ranking": [[name, round(value, 4)] for name, value in understood.ranking],
        "opt_out": understood.opt_out,
        "keyword": understood.keyword,
        "entities": named(entities),
        "step": outcome.state.step,
        "replies": [reply.key for reply in outcome.replies],
        "effects": [type(effect).__name__ for effect in outcome.effects],
    }


def sweep(rt: Runtime) -> int:
    """Take up what a crash or a failure left behind.

    Returns:
        How many rows were found due: queued messages and failed turns.

    """
    now = rt.clock()
    due = or_(Message.retry_at.is_(None), Message.retry_at <= now)
    waiting = Message.created_at < now - timedelta(seconds=30)
    with rt.reading() as session:
        queued = session.scalars(
            select(Message.id)
            .where(Message.status == MessageStatus.QUEUED, due, or_(waiting, Message.attempts > 0))
            .order_by(Message.id)
            .limit(500)
        ).all()
        turns = session.scalars(
            select(Message.id)
            .where(Message.status == MessageStatus.UNPROCESSED, Message.retry_at <= now)
            .order_by(Message.id)
            .limit(500)
        ).all()
    for message_id in turns:
        retry_turn(rt, message_id)
    for message_id in queued:
        outbox.deliver(rt, message_id)
    return len(queued) + len(turns)


def hand_back(rt: Runtime, conversation_id: int) -> None:
    """Give a conversation back to the bot, and close what was asked of a person."""
    with rt.unit_of_work() as uow:
        conversation = _locked(uow.session, conversation_id)
        conversation.held_by = "bot"
        still_open = select(Handoff).where(
            Handoff.conversation_id == conversation_id, Handoff.closed_at.is_(None)
        )
        for handoff in uow.session.scalars(still_open):
            handoff.closed_at = rt.clock()
        uow.commit()


@dataclass(frozen=True)
class Reconciled:
    """What the provider's log brought to light."""

    received: int
    sent_again: int
    confirmed: int


def reconcile(rt: Runtime, channel_code: str, since: datetime) -> Reconciled:
    """Receive what the provider's log has and we have not, and settle what is in doubt.

    In doubt is a text of ours that was handed over, in a response or by a call, and of which
    nothing was heard since: the log tells whether it went. If it did not, it is queued again.
    """
    channel = rt.channels[channel_code]
    logged = list(channel.list_messages(since))
    received = 0
    for entry in logged:
        if entry.direction != "inbound":
            continue
        inbound = InboundMessage(
            channel=channel_code,
            external_id=entry.external_id,
            from_number=entry.from_number,
            to=entry.to,
            text=entry.text,
            media=(Media("", "unknown"),) * entry.num_media,  # the log does not say where it lies
            sent_at=entry.sent_at,
        )
        try:
            received += not receive(rt, inbound, in_response=False).duplicate
        except UnknownSender:
            log.warning("the provider's log has a message to a number that is none of ours")
    doubtful = _in_doubt(rt, channel_code, since)
    found = _matched(doubtful, _unclaimed(rt, channel_code, logged))
    confirmed = again = 0
    for message_id in (doubt.message_id for doubt in doubtful):
        sent = found.get(message_id)
        if sent is not None:
            status = sent.status if sent.status in set(MessageStatus) else "sent"
            update = StatusUpdate(
                channel_code, sent.external_id, status, sent.error_code, message_id
            )
            record_status(rt, update)
            confirmed += 1
        else:
            again += _queue_again(rt, message_id)
    return Reconciled(received, again, confirmed)


@dataclass(frozen=True)
class _Doubt:
    """A text of ours of which nothing was heard since it was handed over."""

    message_id: int
    number: str
    body: str
    at: datetime


def _matched(doubtful: list[_Doubt], gone: list[LoggedMessage]) -> dict[int, LoggedMessage]:
    """Which logged text is which of ours: of those that read alike, the nearest in time."""
    pairs = sorted(
        (
            (abs((entry.sent_at or doubt.at) - doubt.at), doubt.message_id, n)
            for doubt in doubtful
            for n, entry in enumerate(gone)
            if (entry.to, entry.text.strip()) == (doubt.number, doubt.body.strip())
        )
    )
    found: dict[int, LoggedMessage] = {}
    used: set[int] = set()
    for _, message_id, n in pairs:
        if message_id not in found and n not in used:
            found[message_id] = gone[n]
            used.add(n)
    return found


def _unclaimed(rt: Runtime, channel_code: str, logged: list[LoggedMessage]) -> list[LoggedMessage]:
    """Texts that the provider sent for us and that no row of ours knows."""
    outbound = [entry for entry in logged if entry.direction == "outbound"]
    with rt.reading() as session:
        known = set(
            session.scalars(
                select(Message.external_id).where(
                    Message.channel == channel_code,
                    Message.external_id.in_([entry.external_id for entry in outbound]),
                )
            )
        )
    return [entry for entry in outbound if entry.external_id not in known]


def _in_doubt(rt: Runtime, channel_code: str, since: datetime) -> list[_Doubt]:
    with rt.reading() as session:
        rows = session.execute(
            select(Message.id, Phone.number, Message.body, Message.updated_at)
            .join(Conversation, Message.conversation_id == Conversation.id)
            .join(Phone, Conversation.phone_id == Phone.id)
            .where(
                Message.channel == channel_code,
                Message.status == MessageStatus.SENDING,
                Message.external_id.is_(None),
                Message.created_at >= since,
                Message.updated_at < rt.clock() - CONFIRMED_WITHIN,
            )
            .order_by(Message.id)
        )
        return [_Doubt(*row) for row in rows]


def _queue_again(rt: Runtime, message_id: int) -> bool:
    with rt.unit_of_work() as uow:
        message = uow.session.get_one(Message, message_id, with_for_update={"of": Message})
        if message.status != MessageStatus.SENDING or message.external_id is not None:
            return False
        message.status, message.updated_at = MessageStatus.QUEUED, rt.clock()
        message.retry_at = None
        uow.after_commit(rt.enqueue, "deliver", message.id)
        uow.commit()
        return True
