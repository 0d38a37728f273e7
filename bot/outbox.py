"""The outbox: what is said becomes a row, leaves once, and is followed until it arrives.

The row is the truth. A message leaves in the provider's own response to a webhook, or by a call
that a job makes; either way its row is claimed first, and news of it only ever moves it forward.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import guard
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
from models import ConsentEvent, Conversation, Message, MessageStatus, UnitOfWork

log = logging.getLogger(__name__)

SEND_ATTEMPTS = 5


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
        message = uow.session.get(Message, message_id, with_for_update={"of": Message})
        if message is None or message.status != MessageStatus.QUEUED:
            return
        if message.retry_at is not None and message.retry_at > now:
            return
        conversation = message.conversation
        keys = (message.reply_key or "").split()
        phone = conversation.phone
        facts = guard.Facts(phone.opted_out_at is not None, phone.barred_at is not None, True)
        reason = guard.objection(keys, message.body, facts)
        message.updated_at = now
        if reason:
            message.status, message.reason = MessageStatus.BLOCKED, reason
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
    if isinstance(error, BadNumber) and phone.barred_at is None:
        phone.barred_at, phone.barred_reason = now, "unreachable"


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
