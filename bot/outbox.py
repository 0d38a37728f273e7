"""The outbox: what is said becomes a row, leaves once, and is followed until it arrives.

The row is the truth. A message leaves in the provider's own response to a webhook, or by a call
that a job makes; either way its row is claimed first, and news of it only ever moves it forward.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import guard, queries
from bot.replies import segments
from bot.runtime import Runtime
from bot.turn import Reply
from channels.base import (
    BadNumber,
    OutboundMessage,
    RecipientOptedOut,
    SendError,
    SendUncertain,
    StatusUpdate,
)
from models import (
    Case,
    ConsentEvent,
    Conversation,
    Handoff,
    Loan,
    Message,
    MessageStatus,
    Phone,
    UnitOfWork,
)

log = logging.getLogger(__name__)

SEND_ATTEMPTS = 5
UNREACHABLE = "unreachable"
"""Why a number is barred that no text reaches."""
LONGEST_WAIT = timedelta(hours=36)
"""A text that speaks first and would have to wait for longer has lost its occasion."""
REMEMBERED = timedelta(days=15)
"""So far back the pace is counted: two weeks of the borrower's own days."""


def locale_of(conversation: Conversation) -> str:
    """The language that a conversation is answered in: written now, else stored, else English."""
    borrower = conversation.phone.borrower
    return conversation.locale or (borrower.locale if borrower else "en")


def write(
    rt: Runtime,
    conversation: Conversation,
    message: Message | None,
    replies: tuple[Reply, ...],
    values: dict[str, Any],
    now: datetime,
) -> Message:
    """An outbound row: the replies of a turn as one text, with the opt-out line where due."""
    borrower = conversation.phone.borrower
    locale = locale_of(conversation)
    lender = rt.policy.lender
    given = {
        "lender": lender.name,
        "lender_phone": lender.phone,
        "lender_hours": lender.hours,
        "reminders": lender.reminders_a_week,
        "guide_url": f"{rt.settings.public_url}/guide",
        "name": borrower.first_name if borrower else "",
        **values,
    }
    keys = [reply.key for reply in replies]
    if guard.needs_footer(keys):
        replies = (*replies, Reply("footer.opt_out"))
    country = borrower.country if borrower else conversation.sender.country
    texts = [rt.catalogues.render(r, locale, country=country, given=given) for r in replies]
    body = "\n".join(texts)
    return Message(
        conversation_id=conversation.id,
        direction="outbound",
        channel=conversation.sender.channel,
        in_reply_to_id=message.id if message else None,
        body=body,
        media=[],
        status=MessageStatus.QUEUED,
        segments=segments(body).count,
        attempts=0,
        reply_key=" ".join(keys),
        created_at=now,
        updated_at=now,
    )


def say_first(
    rt: Runtime,
    uow: UnitOfWork,
    conversation: Conversation,
    replies: tuple[Reply, ...],
    now: datetime,
    *,
    loan_ids: Iterable[int] = (),
    may_wait: bool = True,
) -> Message:
    """Write a text with which the line speaks first, as the guard decides.

    Its row is the record either way: queued, to leave now or when its hour comes (``retry_at``),
    or blocked with the reason. A text whose hours end before it left expires.

    Args:
        rt: the runtime.
        uow: the caller's transaction, which holds the conversation's lock.
        conversation: where it is said.
        replies: what is said, as one text.
        now: the clock.
        loan_ids: the loans that it is about: reminders on them may rest.
        may_wait: whether it still makes sense hours later; otherwise it goes now or never.

    """
    loans = tuple(loan_ids)
    message = write(rt, conversation, None, replies, {}, now)
    text = guard.Text(
        keys=tuple(reply.key for reply in replies),
        body=message.body,
        kind=guard.Kind.FIRST,
        locale=locale_of(conversation),
        replies=replies,
    )
    facts = _facts(rt, uow.session, conversation, text.kind, now, loans)
    verdict = guard.decide(text, replace(facts, loans=()))
    message.facts = {"kind": text.kind.value, "loans": list(loans)}
    if verdict.expires_at is not None:
        message.facts["expires_at"] = verdict.expires_at.isoformat()
    message.reason, message.retry_at = verdict.reason, verdict.retry_at
    waits = verdict.retry_at is not None and verdict.retry_at - now <= LONGEST_WAIT
    if verdict.reason and not (waits and may_wait):
        _block(message, verdict.reason, now)
    uow.session.add(message)
    uow.session.flush()
    if verdict.reason is None:
        uow.after_commit(rt.enqueue, "deliver", message.id)
    return message


def may_speak_first(
    rt: Runtime,
    session: Session,
    conversation: Conversation,
    now: datetime,
    *,
    loan_ids: Iterable[int] = (),
) -> guard.Verdict:
    """What the guard would say now to a plain text with which the line speaks first."""
    text = guard.Text(keys=("greet.hello",), body="…", kind=guard.Kind.FIRST)
    facts = _facts(rt, session, conversation, text.kind, now, tuple(loan_ids))
    return guard.decide(text, facts)


def stop_messages(session: Session, phone: Phone, reason: str, now: datetime) -> None:
    """Let everything die that is still queued for a number, in the caller's transaction.

    The caller holds the phone's lock, so that no worker claims one of the texts meanwhile.
    """
    queued = (
        select(Message)
        .join(Conversation, Message.conversation_id == Conversation.id)
        .where(Conversation.phone_id == phone.id, Message.status == MessageStatus.QUEUED)
        .order_by(Message.id)
        .with_for_update(of=Message)
    )
    passes = {"opted_out": guard.OPT_OUT_CONFIRMATION, "barred": guard.APOLOGY}
    for message in session.scalars(queued):
        if message.reply_key != passes.get(reason):
            _block(message, reason, now)


def _block(message: Message, reason: str, now: datetime) -> None:
    message.status, message.reason, message.retry_at = MessageStatus.BLOCKED, reason, None
    message.updated_at = now
    log.info("text blocked id=%s reason=%s", message.id, reason)


def _kind(message: Message) -> guard.Kind:
    """Why a row goes out: as it was written down, else by what it says."""
    if message.facts and "kind" in message.facts:
        return guard.Kind(message.facts["kind"])
    return guard.Kind.ANSWER if message.in_reply_to_id else guard.Kind.RECEIPT


def _facts(
    rt: Runtime,
    session: Session,
    conversation: Conversation,
    kind: guard.Kind,
    now: datetime,
    loan_ids: tuple[int, ...] = (),
    *,
    besides: int | None = None,
) -> guard.Facts:
    """What decides whether a text may go now, apart from its figures.

    Args:
        rt: the runtime.
        session: where to read.
        conversation: where it is said.
        kind: why it goes out. What only matters to other kinds is not looked up.
        now: the clock.
        loan_ids: the loans that it is about.
        besides: the text's own row, which counts for nothing.

    """
    phone, borrower = conversation.phone, conversation.phone.borrower
    first = kind is guard.Kind.FIRST
    automatic = kind is not guard.Kind.ANSWER
    # Who ever showed who they are on this number is the one that it belongs to.
    known = conversation.verified_until is not None or not rt.policy.identity.ask
    return guard.Facts(
        now=now,
        policy=rt.policy,
        opted_out=phone.opted_out_at is not None,
        barred=phone.barred_at is not None,
        verified=known or not first,
        held=first and conversation.held_by == "agent",
        crisis=automatic and _in_crisis(session, phone),
        paused=first and _is_paused(session, loan_ids),
        confirmed_at=phone.confirmed_at,
        country=borrower.country if borrower else conversation.sender.country,
        timezones=(borrower.timezone,) if borrower and borrower.timezone else (),
        wishes=phone.wishes,
        hardship_until=borrower.hardship_until if borrower else None,
        spoken_at=_spoken_at(session, phone, now, besides) if first else (),
    )


def _in_crisis(session: Session, phone: Phone) -> bool:
    cries = (
        select(Handoff.id)
        .join(Conversation, Handoff.conversation_id == Conversation.id)
        .where(
            Conversation.phone_id == phone.id,
            Handoff.queue == "crisis",
            Handoff.closed_at.is_(None),
        )
    )
    return session.scalar(cries.limit(1)) is not None


def _is_paused(session: Session, loan_ids: tuple[int, ...]) -> bool:
    if not loan_ids:
        return False
    resting = select(Loan.id).where(Loan.id.in_(loan_ids), Loan.reminders_paused_at.is_not(None))
    open_cases = select(Case.id).where(Case.loan_id.in_(loan_ids), Case.status == "open")
    return any(session.scalar(query.limit(1)) is not None for query in (resting, open_cases))


_NEVER_SAID = (MessageStatus.BLOCKED, MessageStatus.CANCELED, MessageStatus.FAILED)


def _spoken_at(
    session: Session, phone: Phone, now: datetime, besides: int | None
) -> tuple[datetime, ...]:
    """When the line spoke first to a person lately, or will, on any number of theirs."""
    whose = (
        Phone.id == phone.id
        if phone.borrower_id is None
        else Phone.borrower_id == phone.borrower_id
    )
    rows = session.execute(
        select(Message.id, Message.facts, Message.created_at, Message.retry_at)
        .join(Conversation, Message.conversation_id == Conversation.id)
        .join(Phone, Conversation.phone_id == Phone.id)
        .where(
            whose,
            Message.direction == "outbound",
            Message.in_reply_to_id.is_(None),
            Message.facts.is_not(None),
            Message.status.not_in(_NEVER_SAID),
            Message.created_at > now - REMEMBERED - LONGEST_WAIT,
        )
    )
    return tuple(
        max(row.created_at, row.retry_at or row.created_at)
        for row in rows
        if row.id != besides and row.facts and row.facts.get("kind") == guard.Kind.FIRST
    )


def outbound_of(rt: Runtime, conversation: Conversation, message: Message) -> OutboundMessage:
    """A row as a channel sends it, asking for news of it."""
    return OutboundMessage(
        id=message.id,
        to=conversation.phone.number,
        from_number=conversation.sender.address,
        text=message.body,
        status_callback=f"{rt.settings.public_url}/webhooks/{message.channel}/status"
        f"?message={message.id}&attempt={message.attempts}",
    )


def deliver(rt: Runtime, message_id: int) -> None:
    """Send a queued message through its channel, if the guard still lets it.

    The row is claimed first, so that two workers never send it twice; a crash in between leaves
    it claimed, and ``reconcile`` finds out what became of it.
    """
    now = rt.clock()
    with rt.unit_of_work() as uow:
        message = _claimed(uow.session, message_id, now)
        if message is None:
            return
        conversation = message.conversation
        if not _judge_again(rt, uow.session, message, now):
            uow.commit()
            return
        message.status, message.external_id = MessageStatus.SENDING, None
        message.attempts += 1
        channel = rt.channels[message.channel]
        outbound, attempt = outbound_of(rt, conversation, message), message.attempts
        uow.commit()
    try:
        external_id = channel.send(outbound)
    except SendUncertain:
        return  # it may have gone: the row stays claimed until the provider's log tells
    except SendError as error:
        _send_failed(rt, message_id, error)
        return
    news = StatusUpdate(channel.code, external_id, "sent", message_id=message_id, attempt=attempt)
    record_status(rt, news)


def _claimed(session: Session, message_id: int, now: datetime) -> Message | None:
    """A queued row whose time has come, locked after its conversation and phone, as turns do it.

    So an opt-out comes before a text or after it, and never in between.
    """
    found = session.get(Message, message_id)
    if found is None or found.status != MessageStatus.QUEUED:
        return None
    known = {"conversation_id": found.conversation_id}
    session.scalars(queries.conversation_by_id(), known).one()
    lock = {"of": Message, "skip_locked": True}
    message = session.get(Message, message_id, with_for_update=lock, populate_existing=True)
    if message is None or message.status != MessageStatus.QUEUED:
        return None
    return None if message.retry_at is not None and message.retry_at > now else message


def _judge_again(rt: Runtime, session: Session, message: Message, now: datetime) -> bool:
    """Ask the guard at the moment of sending: whether the text goes now.

    Otherwise its row says why not, and until when it waits.
    """
    kept = message.facts or {}
    text = guard.Text(
        keys=tuple((message.reply_key or "").split()),
        body=message.body,
        kind=_kind(message),
        locale=locale_of(message.conversation),
        written_at=message.created_at,
    )
    loans = tuple(kept.get("loans", ()))
    facts = _facts(rt, session, message.conversation, text.kind, now, loans, besides=message.id)
    verdict = guard.decide(text, facts)
    expires_at = datetime.fromisoformat(kept["expires_at"]) if "expires_at" in kept else None
    waits_until = verdict.retry_at or now
    message.updated_at = now
    if verdict.reason and verdict.retry_at is None:
        _block(message, verdict.reason, now)
    elif expires_at is not None and waits_until >= expires_at:
        _block(message, "expired", now)
    else:
        message.reason = verdict.reason
        message.retry_at = verdict.retry_at or message.retry_at  # it tells on which day it went
        return verdict.reason is None
    return False


def _send_failed(rt: Runtime, message_id: int, error: SendError) -> None:
    with rt.unit_of_work() as uow:
        message = uow.session.get_one(Message, message_id, with_for_update={"of": Message})
        if message.status != MessageStatus.SENDING:
            return
        _note_failure(uow, rt, message, error)
        uow.commit()


def _note_failure(uow: UnitOfWork, rt: Runtime, message: Message, error: SendError) -> None:
    """Try again later where that may help; otherwise write down why it failed."""
    now = rt.clock()
    message.attempts = max(message.attempts, 1)  # one that left in a response was tried once, too
    log.log(
        logging.ERROR if error.alarm else logging.WARNING,
        "message not delivered id=%s error=%s code=%s",
        message.id,
        type(error).__name__,
        error.code,
    )
    allowed = SEND_ATTEMPTS if error.max_retries is None else error.max_retries + 1
    message.error_code = error.code
    message.updated_at = now
    if error.retryable and message.attempts < allowed:
        message.status = MessageStatus.QUEUED
        message.retry_at = now + timedelta(seconds=10 * 3**message.attempts)
    else:
        message.status, message.reason = MessageStatus.FAILED, type(error).__name__
        if message.in_reply_to_id is not None and not isinstance(error, RecipientOptedOut):
            _tell_a_person(uow.session, message, now)
    phone = message.conversation.phone
    if isinstance(error, RecipientOptedOut) and phone.opted_out_at is None:
        phone.opted_out_at = now
        uow.session.add(
            ConsentEvent(
                phone_id=phone.id,
                message_id=message.id,
                kind="opt_out",
                source="provider",
                created_at=now,
            )
        )
        uow.session.flush()  # the phone is locked before its texts, as everywhere
        stop_messages(uow.session, phone, "opted_out", now)
    if isinstance(error, BadNumber) and phone.barred_at is None:
        phone.barred_at, phone.barred_reason = now, UNREACHABLE
        uow.session.flush()
        stop_messages(uow.session, phone, "barred", now)


def _tell_a_person(session: Session, message: Message, now: datetime) -> None:
    """An answer that cannot be delivered: somebody must reach the borrower in another way."""
    same = select(Handoff.id).where(
        Handoff.conversation_id == message.conversation_id,
        Handoff.reason == "not_delivered",
        Handoff.closed_at.is_(None),
    )
    if session.scalar(same.limit(1)) is None:
        session.add(
            Handoff(
                conversation_id=message.conversation_id,
                message_id=message.in_reply_to_id,
                queue="general",
                reason="not_delivered",
                created_at=now,
            )
        )


def record_status(rt: Runtime, update: StatusUpdate) -> None:
    """Note what became of a message. News may come in any order and more than once."""
    with rt.unit_of_work() as uow:
        message = _message_of(uow.session, update)
        if message is None or message.direction != "outbound":
            log.info("status for no message of ours status=%s", update.status)
            return
        new, now = MessageStatus(update.status), rt.clock()
        if message.external_id is None:
            message.external_id = update.external_id
        if update.error_code:
            message.error_code = update.error_code
        if _is_news(message, new):
            message.status = new
            message.updated_at = now
            if new in (MessageStatus.UNDELIVERED, MessageStatus.FAILED):
                error = rt.channels[message.channel].explain(update.error_code)
                _note_failure(uow, rt, message, error)
        uow.commit()


def _is_news(message: Message, new: MessageStatus) -> bool:
    """Whether a status moves the message forward."""
    if message.status == MessageStatus.QUEUED and message.external_id is not None:
        # It failed once and waits to be sent again: only that it arrived after all is news.
        return new in (MessageStatus.DELIVERED, MessageStatus.READ)
    return new.rank > MessageStatus(message.status).rank


def _message_of(session: Session, update: StatusUpdate) -> Message | None:
    """The row that a status speaks of: ours by its own id, or by the provider's."""
    by_external = (Message.channel == update.channel, Message.external_id == update.external_id)
    found = session.scalar(select(Message).where(*by_external).with_for_update(of=Message))
    if found is None and update.message_id is not None:
        found = session.scalar(
            select(Message)
            .where(
                Message.id == update.message_id,
                Message.channel == update.channel,
                Message.external_id.is_(None),
                # Late news of an earlier hand-over says nothing of this one.
                *([] if update.attempt is None else [Message.attempts == update.attempt]),
            )
            .with_for_update(of=Message)
        )
    return found
