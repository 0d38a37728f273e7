"""Receiving: each message is stored once, answered once, in order, and never lost."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from bot import manager
from bot.runtime import Runtime
from channels.base import InboundMessage, Media, StatusUpdate, UnknownSender
from channels.twilio import read_form, sign
from models import (
    Borrower,
    ConsentEvent,
    Conversation,
    Extension,
    Handoff,
    Loan,
    Message,
    Phone,
    Sender,
)
from tests import builders
from tests.builders import PHONE, SENDER, inbound
from tests.fakes import CATALOGUES, Clock, TableReader

FAR = datetime(2100, 1, 1, tzinfo=UTC)
STRANGER = "+15550107777"


def rows(runtime: Runtime, table: type[Any], **where: Any) -> list[Any]:
    with runtime.reading() as session:
        return list(session.scalars(select(table).filter_by(**where).order_by(table.id)))


def count(runtime: Runtime, table: type[Any]) -> int:
    with runtime.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def the_conversation(runtime: Runtime) -> Conversation:
    (found,) = rows(runtime, Conversation)
    return found


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What the calls return when they start at the same moment, each in a thread of its own."""
    start = threading.Barrier(len(calls), timeout=10)

    def run(call: Callable[[], Any]) -> Any:
        start.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [done.result(timeout=30) for done in [pool.submit(run, call) for call in calls]]


@pytest.fixture
def maya(runtime: Runtime) -> Borrower:
    """A borrower who has shown who she is and has a conversation with the lender."""
    person, owner = builders.borrower(), builders.sender()
    talk = builders.conversation(person, owner, state={}, held_by="bot", verified_until=FAR)
    with runtime.unit_of_work() as uow:
        uow.session.add_all([person, owner, talk])
        uow.commit()
    return person


@pytest.fixture
def newcomer(runtime: Runtime) -> Borrower:
    """A borrower who never wrote before."""
    person = builders.borrower()
    with runtime.unit_of_work() as uow:
        uow.session.add_all([person, builders.sender()])
        uow.commit()
    return person


@pytest.fixture
def means(reader: TableReader) -> TableReader:
    reader.means("hello", "greet")
    reader.means("how much", "ask_balance")
    reader.means("more time", "request_extension")
    reader.means("it hurts", "crisis")
    return reader


# Exactly once


def test_a_message_is_stored_with_what_was_understood_and_answered(
    runtime: Runtime, maya: Borrower, means: TableReader, clock: Clock
) -> None:
    received = manager.receive(runtime, inbound("how much", "SM1"))

    (reply,) = received.replies
    assert not received.duplicate
    assert (reply.to, reply.from_number) == (PHONE, SENDER)
    assert "$734.50" in reply.text
    assert reply.status_callback == (
        f"http://localhost:8000/webhooks/twilio/status?message={reply.id}&attempt=0"
    )
    question, answer = rows(runtime, Message)
    assert (question.direction, question.status, question.body) == (
        *("inbound", "processed"),
        "how much",
    )
    assert question.understanding["intent"] == "ask_balance"
    assert (answer.direction, answer.status, answer.in_reply_to_id) == (
        *("outbound", "sending"),
        question.id,
    )
    assert answer.body == reply.text
    assert the_conversation(runtime).last_inbound_at == clock()


def test_a_repeated_message_gets_the_same_answer_and_no_second_row(
    runtime: Runtime, maya: Borrower, means: TableReader
) -> None:
    first = manager.receive(runtime, inbound("how much", "SM1"))
    again = manager.receive(runtime, inbound("how much", "SM1"))

    assert again.duplicate
    assert again.replies == first.replies != ()
    assert count(runtime, Message) == 2


def test_a_repeated_message_gets_no_answer_once_the_first_is_confirmed(
    runtime: Runtime, maya: Borrower, means: TableReader
) -> None:
    (reply,) = manager.receive(runtime, inbound("how much", "SM1")).replies
    manager.record_status(runtime, StatusUpdate("twilio", "SMout", "sent", message_id=reply.id))

    again = manager.receive(runtime, inbound("how much", "SM1"))

    assert again.duplicate
    assert again.replies == ()


def test_the_same_id_on_another_channel_is_another_message(
    runtime: Runtime, maya: Borrower, means: TableReader
) -> None:
    with runtime.unit_of_work() as uow:
        uow.session.add(Sender(channel="other", address=SENDER, country="US"))
        uow.commit()
    manager.receive(runtime, inbound("hello", "SM1"))
    assert not manager.receive(runtime, inbound("hello", "SM1", channel="other")).duplicate
    assert len(rows(runtime, Message, direction="inbound")) == 2


@pytest.mark.parametrize("known", [True, False], ids=["known phone", "new phone"])
def test_two_deliveries_at_once_store_one_message_and_give_one_answer(
    runtime: Runtime, newcomer: Borrower, means: TableReader, known: bool
) -> None:
    if known:
        manager.receive(runtime, inbound("hello", "SM0"))
    before = count(runtime, Message)

    results = at_once(*[lambda: manager.receive(runtime, inbound("hello", "SM1"))] * 4)

    assert sorted(r.duplicate for r in results) == [False, True, True, True]
    assert len({r.replies for r in results}) == 1
    assert results[0].replies
    assert count(runtime, Message) == before + 2
    assert count(runtime, Conversation) == 1
    assert count(runtime, Phone) == 1


def test_without_a_response_to_carry_it_the_answer_is_queued_after_the_commit(
    runtime: Runtime, maya: Borrower, means: TableReader
) -> None:
    jobs: list[tuple[str, int, int]] = []
    runtime.enqueue = lambda name, row: jobs.append((name, row, count(runtime, Message)))

    received = manager.receive(runtime, inbound("hello", "SM1"), in_response=False)

    _, answer = rows(runtime, Message)
    assert answer.status == "queued"
    assert jobs == [("deliver", answer.id, 2)]
    assert [r.id for r in received.replies] == [answer.id]
    assert manager.receive(runtime, inbound("hello", "SM1"), in_response=False).replies == ()


def test_an_answer_that_goes_in_the_response_is_not_queued_too(
    runtime: Runtime, maya: Borrower, means: TableReader
) -> None:
    jobs: list[Any] = []
    runtime.enqueue = lambda *job: jobs.append(job)
    manager.receive(runtime, inbound("hello", "SM1"))
    assert jobs == []


# One at a time


class WatchedWords:
    """The real words, noting how many turns are being worded at once."""

    def __init__(self, meet: threading.Barrier | None = None) -> None:
        self.meet = meet
        self.now = self.most = 0

    def render(self, *args: Any, **values: Any) -> str:
        self.now += 1
        self.most = max(self.most, self.now)
        if self.meet:
            self.meet.wait()
        threading.Event().wait(0.03)
        text = CATALOGUES.render(*args, **values)
        self.now -= 1
        return text


def test_two_messages_of_one_person_are_taken_one_after_the_other(
    runtime: Runtime, maya: Borrower, means: TableReader
) -> None:
    runtime.catalogues = words = WatchedWords()
    reader_texts = ["1911", "1912"]
    then = {"intent": "ask_balance", "text": "how much", "entities": {}}
    with runtime.unit_of_work() as uow:
        talk = uow.session.scalars(select(Conversation)).one()
        talk.verified_until = None
        talk.state = {"step": "identity.answer", "slots": {"then": then}, "misses": 0}
        talk.last_inbound_at = runtime.clock()
        uow.commit()

    at_once(
        *[lambda t=t: manager.receive(runtime, inbound(t, f"SM{t}")) for t in reader_texts],
    )

    assert words.most == 1
    assert the_conversation(runtime).identity_misses == 2, "one of two wrong answers was lost"


def test_turns_of_different_people_are_taken_side_by_side(
    runtime: Runtime, newcomer: Borrower, means: TableReader
) -> None:
    if runtime.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    runtime.catalogues = words = WatchedWords(threading.Barrier(2, timeout=10))
    at_once(
        lambda: manager.receive(runtime, inbound("hello", "SM1")),
        lambda: manager.receive(runtime, inbound("hello", "SM2", STRANGER)),
    )
    assert words.most == 2


def test_whoever_waited_for_a_stop_sees_it(
    runtime: Runtime, maya: Borrower, means: TableReader
) -> None:
    """The second text waits for the first one's lock; what it read before must not count."""
    runtime.catalogues = WatchedWords()
    for n in range(3):
        at_once(
            lambda n=n: manager.receive(runtime, inbound("STOP", f"SMa{n}")),
            lambda n=n: manager.receive(runtime, inbound("how much", f"SMb{n}")),
        )
    last = manager.receive(runtime, inbound("how much", "SMlast"))
    assert last.replies == ()
    confirmations = [m for m in rows(runtime, Message) if m.reply_key == "consent.stopped"]
    assert len(confirmations) == 1


# A turn that fails


class BrokenWords:
    """Fails when a turn has done everything else."""

    def render(self, *_: Any, **__: Any) -> str:
        raise RuntimeError("no words for +15550100001")


@pytest.mark.parametrize("where", ["reading", "answering"])
def test_a_failing_turn_stores_the_message_and_nothing_else(
    runtime: Runtime, maya: Borrower, means: TableReader, clock: Clock, where: str
) -> None:
    if where == "reading":
        means.failing.add("STOP")
    else:
        runtime.catalogues = BrokenWords()

    received = manager.receive(runtime, inbound("STOP", "SM1"))

    assert received.replies == ()
    (message,) = rows(runtime, Message)
    assert (message.status, message.attempts, message.reason) == ("unprocessed", 1, "RuntimeError")
    assert message.body == "STOP"
    assert message.retry_at > clock()
    assert count(runtime, ConsentEvent) == 0
    assert rows(runtime, Phone)[0].opted_out_at is None
    assert the_conversation(runtime).held_by == "bot"


def test_a_failed_turn_is_taken_again_when_it_is_time_and_answered_through_the_outbox(
    runtime: Runtime, maya: Borrower, means: TableReader, clock: Clock
) -> None:
    means.failing.add("how much")
    manager.receive(runtime, inbound("how much", "SM1"))
    means.failing.clear()

    assert manager.sweep(runtime) == 0, "it is not time yet"
    assert rows(runtime, Message)[0].status == "unprocessed"
    clock.forward(seconds=16)
    assert manager.sweep(runtime) == 1

    question, answer = rows(runtime, Message)
    assert (question.status, question.retry_at) == ("processed", None)
    assert answer.status == "queued"
    clock.forward(seconds=31)
    manager.sweep(runtime)
    assert [m.text for m in runtime.channels["twilio"].sent] == [answer.body]


def test_a_turn_that_is_done_is_not_taken_again(
    runtime: Runtime, maya: Borrower, means: TableReader
) -> None:
    manager.receive(runtime, inbound("how much", "SM1"))
    (message,) = rows(runtime, Message, direction="inbound")
    manager.retry_turn(runtime, message.id)
    manager.retry_turn(runtime, 999)
    assert count(runtime, Message) == 2


def test_two_workers_retry_a_turn_once(
    runtime: Runtime, maya: Borrower, means: TableReader, clock: Clock
) -> None:
    means.failing.add("how much")
    manager.receive(runtime, inbound("how much", "SM1"))
    means.failing.clear()
    clock.forward(seconds=16)
    at_once(*[lambda: manager.sweep(runtime)] * 3)
    assert len(rows(runtime, Message, direction="outbound")) == 1


def test_the_third_failure_gives_the_conversation_to_a_person(
    runtime: Runtime, maya: Borrower, means: TableReader, clock: Clock
) -> None:
    means.failing.add("how much")
    manager.receive(runtime, inbound("how much", "SM1"))
    clock.forward(minutes=1)
    manager.sweep(runtime)
    assert the_conversation(runtime).held_by == "bot"
    assert count(runtime, Handoff) == 0
    clock.forward(minutes=1)
    manager.sweep(runtime)

    (message,) = rows(runtime, Message)
    assert (message.status, message.attempts, message.retry_at) == ("unprocessed", 3, None)
    assert the_conversation(runtime).held_by == "agent"
    (handoff,) = rows(runtime, Handoff)
    assert (handoff.reason, handoff.message_id) == ("turn_failed", message.id)
    clock.forward(days=1)
    assert manager.sweep(runtime) == 0


def test_a_repeated_delivery_of_a_failed_message_does_not_take_its_turn(
    runtime: Runtime, maya: Borrower, means: TableReader
) -> None:
    means.failing.add("how much")
    manager.receive(runtime, inbound("how much", "SM1"))
    again = manager.receive(runtime, inbound("how much", "SM1"))
    assert again == manager.Received(True)
    assert rows(runtime, Message)[0].attempts == 1


# Who is written to, who writes


@dataclass(frozen=True)
class ByClue:
    name: str
    to: str
    found: str | None
    """The address of the sender whose conversation it becomes."""
    more: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


CLUES = [
    ByClue("its number", "+15550000001", "+15550000001"),
    ByClue(
        "its number before its service",
        *("+15550000002", "+15550000002"),
        {"messaging_service": "MG1", "account": "AC1"},
    ),
    ByClue(
        "the service of an unknown number",
        *("+15550000009", "+15550000001"),
        {"messaging_service": "MG1", "account": "AC2"},
    ),
    ByClue(
        "the account where the service is unknown",
        *("+15550000009", "+15550000003"),
        {"messaging_service": "MG9", "account": "AC3"},
    ),
    ByClue("none", "+15550000009", None, {"messaging_service": "MG9", "account": "AC9"}),
    ByClue("none, and nothing given", "+15550000009", None),
    ByClue("blank clues are none", "+15550000009", None, {"messaging_service": "", "account": ""}),
]


@pytest.mark.parametrize("case", CLUES, ids=str)
def test_the_sender_is_found_by(runtime: Runtime, means: TableReader, case: ByClue) -> None:
    with runtime.unit_of_work() as uow:
        for number, service, account in (
            ("+15550000001", "MG1", "AC1"),
            ("+15550000002", None, "AC2"),
            ("+15550000003", None, "AC3"),
        ):
            uow.session.add(
                builders.sender(address=number, messaging_service=service, account=account)
            )
        uow.session.add(builders.borrower())
        uow.commit()
    message = inbound("hello", "SM1", to=case.to, **case.more)
    if case.found is None:
        with pytest.raises(UnknownSender):
            manager.receive(runtime, message)
        assert count(runtime, Message) == count(runtime, Conversation) == 0
        return
    (reply,) = manager.receive(runtime, message).replies
    assert reply.from_number == case.found


def test_a_message_to_an_unknown_number_leaves_no_trace(runtime: Runtime) -> None:
    with pytest.raises(UnknownSender):
        manager.receive(runtime, inbound("hello", "SM1", STRANGER))
    assert [count(runtime, t) for t in (Message, Conversation, Phone, Handoff)] == [0, 0, 0, 0]


def test_a_number_that_nobody_knows_gets_a_polite_answer_and_a_person(
    runtime: Runtime, newcomer: Borrower, means: TableReader
) -> None:
    (reply,) = manager.receive(runtime, inbound("how much", "SM1", STRANGER)).replies

    assert reply.text.startswith("This number is not known to us.")
    (phone,) = rows(runtime, Phone, number=STRANGER)
    assert phone.borrower_id is None
    (handoff,) = rows(runtime, Handoff)
    assert handoff.reason == "unknown_number"
    assert manager.receive(runtime, inbound("hello?", "SM2", STRANGER)).replies == ()


def test_nothing_about_the_debt_is_said_before_the_person_is_known(
    runtime: Runtime, newcomer: Borrower, means: TableReader
) -> None:
    (asked,) = manager.receive(runtime, inbound("how much", "SM1")).replies
    assert "which year were you born" in asked.text
    (wrong,) = manager.receive(runtime, inbound("1991", "SM2")).replies
    assert "$" not in asked.text + wrong.text
    assert the_conversation(runtime).identity_misses == 1

    (told,) = manager.receive(runtime, inbound("1990", "SM3")).replies

    assert "$734.50" in told.text
    assert the_conversation(runtime).identity_misses == 0


def test_an_open_question_is_not_answered_after_the_verification_expired(
    runtime: Runtime, maya: Borrower, means: TableReader, clock: Clock
) -> None:
    with runtime.unit_of_work() as uow:
        talk = uow.session.scalars(select(Conversation)).one()
        talk.verified_until = clock.now.replace(hour=18)
        uow.commit()
    manager.receive(runtime, inbound("more time", "SM1"))
    manager.receive(runtime, inbound("1", "SM2"))
    clock.forward(hours=2)

    received = manager.receive(runtime, inbound("1", "SM3"))

    assert count(runtime, Extension) == 0
    (reply,) = received.replies
    assert "which year were you born" in reply.text


def test_an_unfinished_question_is_forgotten_after_a_day(
    runtime: Runtime, maya: Borrower, means: TableReader, clock: Clock
) -> None:
    manager.receive(runtime, inbound("more time", "SM1"))
    assert the_conversation(runtime).state["step"] == "extension.choose"
    clock.forward(hours=25)
    manager.receive(runtime, inbound("hello", "SM2"))
    assert the_conversation(runtime).state["step"] == "idle"


def test_a_question_about_a_loan_that_was_paid_meanwhile_is_answered(
    runtime: Runtime, maya: Borrower, means: TableReader
) -> None:
    manager.receive(runtime, inbound("more time", "SM1"))
    with runtime.unit_of_work() as uow:
        loan = uow.session.get_one(Loan, maya.loans[0].id)
        loan.apply(loan.principal)
        uow.commit()
    received = manager.receive(runtime, inbound("1", "SM2"))
    assert rows(runtime, Message, external_id="SM2")[0].status == "processed"
    assert received.replies


# Consent and silence


@pytest.mark.parametrize("kind", ["STOP", "START", "HELP"])
def test_what_the_provider_answers_by_itself_is_recorded_and_not_answered_twice(
    runtime: Runtime, maya: Borrower, means: TableReader, kind: str
) -> None:
    if kind == "START":
        manager.receive(runtime, inbound("STOP", "SM0"))
    received = manager.receive(runtime, inbound(kind, "SM1", opt_out_type=kind))

    assert received.replies == ()
    (message,) = rows(runtime, Message, external_id="SM1")
    assert message.status == "processed"
    (phone,) = rows(runtime, Phone)
    assert (phone.opted_out_at is not None) == (kind == "STOP")
    kinds = [event.kind for event in rows(runtime, ConsentEvent)]
    assert kinds == {"STOP": ["opt_out"], "START": ["opt_out", "opt_in"], "HELP": []}[kind]


def test_an_opt_out_by_a_word_that_only_the_provider_knows_is_recorded(
    runtime: Runtime, maya: Borrower, means: TableReader
) -> None:
    manager.receive(runtime, inbound("alto", "SM1", opt_out_type="STOP"))
    assert rows(runtime, Phone)[0].opted_out_at is not None


def test_a_retried_stop_that_the_provider_answered_is_not_answered_again(
    runtime: Runtime, maya: Borrower, means: TableReader, clock: Clock
) -> None:
    means.failing.add("STOP")
    manager.receive(runtime, inbound("STOP", "SM1", opt_out_type="STOP"))
    means.failing.clear()
    clock.forward(minutes=1)
    manager.sweep(runtime)
    assert rows(runtime, Phone)[0].opted_out_at is not None
    assert rows(runtime, Message, direction="outbound") == []


def test_stop_is_confirmed_once_and_then_there_is_silence(
    runtime: Runtime, maya: Borrower, means: TableReader
) -> None:
    (confirmed,) = manager.receive(runtime, inbound("Stop. Thank you", "SM1")).replies
    assert (
        confirmed.text == "You will get no more texts from Repayline Demo Lending on this number."
    )
    for number, text in enumerate(["STOP", "how much", "hello", "it hurts", "HELP"]):
        assert manager.receive(runtime, inbound(text, f"SMx{number}")).replies == (), text
    (event, *_) = rows(runtime, ConsentEvent)
    assert (event.kind, event.source, event.words) == ("opt_out", "keyword", "Stop. Thank you")


def test_start_brings_texts_back(runtime: Runtime, maya: Borrower, means: TableReader) -> None:
    manager.receive(runtime, inbound("STOP", "SM1"))
    (reply,) = manager.receive(runtime, inbound("START", "SM2")).replies
    assert reply.text.startswith("Welcome back.")
    assert rows(runtime, Phone)[0].opted_out_at is None
    assert manager.receive(runtime, inbound("how much", "SM3")).replies


def test_the_word_that_the_footer_names_works_after_a_change_of_language(
    runtime: Runtime, maya: Borrower, means: TableReader
) -> None:
    means.means("请问我现在还欠你们多少钱呢，什么时候到期", "ask_balance")
    (reply,) = manager.receive(
        runtime, inbound("请问我现在还欠你们多少钱呢，什么时候到期", "SM1")
    ).replies
    assert "回复T退订" in reply.text
    manager.receive(runtime, inbound("T", "SM2"))
    assert rows(runtime, Phone)[0].opted_out_at is not None


def test_while_an_agent_holds_the_conversation_the_bot_stores_and_is_silent(
    runtime: Runtime, maya: Borrower, means: TableReader
) -> None:
    with runtime.unit_of_work() as uow:
        uow.session.scalars(select(Conversation)).one().held_by = "agent"
        uow.commit()
    assert manager.receive(runtime, inbound("how much", "SM1")).replies == ()
    assert rows(runtime, Message)[0].status == "processed"
    (crisis,) = manager.receive(runtime, inbound("it hurts", "SM2")).replies
    assert "988" in crisis.text
    (stopped,) = manager.receive(runtime, inbound("STOP", "SM3")).replies
    assert "no more texts" in stopped.text


# What may stand in a message


def test_a_picture_without_text_is_kept_and_a_person_told(runtime: Runtime, maya: Borrower) -> None:
    media = (Media("https://api.example/media/1", "image/jpeg"),)
    (reply,) = manager.receive(runtime, inbound("", "SM1", media=media)).replies
    assert reply.text.startswith("I cannot open pictures")
    (message, _) = rows(runtime, Message)
    assert message.media == [{"url": "https://api.example/media/1", "content_type": "image/jpeg"}]
    assert rows(runtime, Handoff)[0].reason == "picture"
    assert the_conversation(runtime).held_by == "bot"


BODIES = {
    "NUL": b"a%00b",
    "a lone surrogate": b"a%ED%A0%BDb",
    "a broken sequence": b"a%FF%C3",
    "emoji": "👨‍👩‍👧 ok".encode(),
    "nothing": b"",
    "blanks": b"%20%0A",
    "sixteen hundred characters": b"x" * 1600,
    "five thousand emoji": "😀".encode() * 5000,
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_the_database_takes_whatever_the_channel_read(
    runtime: Runtime, maya: Borrower, body: bytes
) -> None:
    channel, settings = runtime.channels["twilio"], runtime.settings
    path = "/webhooks/twilio/inbound"
    raw = b"MessageSid=SM1&AccountSid=AC1&From=%2B15550100001&To=%2B15550109999&Body=" + body
    signature = sign(settings.twilio_auth_token, settings.public_url + path, read_form(raw))
    message: InboundMessage = channel.parse_inbound(channel.verify(path, raw, signature))

    manager.receive(runtime, message)

    (stored,) = rows(runtime, Message, direction="inbound")
    assert stored.body == message.text
    assert stored.status == "processed", stored.reason
    assert "\x00" not in stored.body


def test_a_log_holds_neither_the_words_nor_the_number(
    runtime: Runtime, maya: Borrower, means: TableReader, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    means.means("my secret is marmalade", "ask_balance")
    means.failing.add("marmalade breaks it")
    manager.receive(runtime, inbound("my secret is marmalade", "SM1"))
    manager.receive(runtime, inbound("marmalade breaks it", "SM2"))
    manager.receive(runtime, inbound("marmalade", "SM3", STRANGER))
    manager.receive(runtime, inbound("STOP", "SM4"))
    manager.receive(runtime, inbound("marmalade", "SM5"))
    manager.sweep(runtime)
    manager.record_status(runtime, StatusUpdate("twilio", "SMx", "sent"))
    assert "turn failed message=" in caplog.text
    for private in ("marmalade", PHONE[1:], STRANGER[1:], "734.50", "Maya"):
        assert private not in caplog.text, private


@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
def test_an_error_that_quotes_the_message_is_not_logged(
    runtime: Runtime,
    maya: Borrower,
    means: TableReader,
    caplog: pytest.LogCaptureFixture,
    level: str,
) -> None:
    caplog.set_level(level)
    runtime.catalogues = BrokenWords()  # its error quotes the number
    manager.receive(runtime, inbound("hello", "SM1"))
    assert "turn failed message=" in caplog.text
    assert PHONE not in caplog.text


def test_a_turn_that_failed_is_taken_before_the_next_message(
    runtime: Runtime, reader: TableReader
) -> None:
    first, second = "i need more time", "how much do i owe"
    reader.means(first, "request_extension")
    reader.means(second, "ask_balance")
    with runtime.unit_of_work() as uow:
        made, owner = builders.borrower(), builders.sender()
        until = runtime.clock() + timedelta(hours=1)
        uow.session.add(builders.conversation(made, owner, verified_until=until))
        uow.commit()
    reader.failing.add(first)
    assert manager.receive(runtime, builders.inbound(first, "SMfirst")).replies == ()
    reader.failing.clear()
    manager.receive(runtime, builders.inbound(second, "SMsecond"))
    with runtime.reading() as session:
        replies = session.scalars(
            select(Message).where(Message.direction == "outbound").order_by(Message.id)
        ).all()
        assert [reply.status for reply in replies] == ["queued", "sending"]
        assert replies[0].reply_key == "extension.offer"
        assert "flow.back" in (replies[1].reply_key or "")
