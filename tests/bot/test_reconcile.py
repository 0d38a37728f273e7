"""Reconciling: what the provider has and we have not, and what became of texts in doubt."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bot import manager, outbox
from bot.manager import Reconciled
from bot.runtime import Runtime
from channels.base import ChannelUnavailable, LoggedMessage, SendUncertain
from models import Conversation, Handoff, Message
from tests import builders
from tests.builders import PHONE, SENDER, inbound
from tests.fakes import Clock, FakeChannel, TableReader

FAR = datetime.fromisoformat("2100-01-01T00:00:00+00:00")


@pytest.fixture
def channel(runtime: Runtime, reader: TableReader) -> FakeChannel:
    """The provider, whose log is a list; the borrower is known and has shown who she is."""
    reader.means("hello", "greet")
    reader.means("how much", "ask_balance")
    person, owner = builders.borrower(), builders.sender()
    with runtime.unit_of_work() as uow:
        talk = builders.conversation(person, owner, verified_until=FAR)
        uow.session.add_all([person, owner, talk])
        uow.commit()
    found = runtime.channels["twilio"]
    assert isinstance(found, FakeChannel)
    return found


def came(sid: str, text: str, **values: Any) -> LoggedMessage:
    given = {"direction": "inbound", "from_number": PHONE, "to": SENDER, "status": "received"}
    return LoggedMessage(external_id=sid, text=text, **{**given, **values})


def went(sid: str, text: str, status: str = "delivered", **values: Any) -> LoggedMessage:
    given = {"direction": "outbound", "from_number": SENDER, "to": PHONE, "status": status}
    return LoggedMessage(external_id=sid, text=text, **{**given, **values})


def run(runtime: Runtime) -> Reconciled:
    return manager.reconcile(runtime, "twilio", runtime.clock() - timedelta(hours=6))


def rows(runtime: Runtime, table: type[Any] = Message, **where: Any) -> list[Any]:
    with runtime.reading() as session:
        return list(session.scalars(select(table).filter_by(**where).order_by(table.id)))


def test_a_message_that_never_reached_us_is_received_late_and_answered_by_the_outbox(
    runtime: Runtime, channel: FakeChannel, clock: Clock
) -> None:
    channel.log = [came("SM1", "hello"), came("SM2", "how much")]
    assert run(runtime) == Reconciled(received=2, sent_again=0, confirmed=0)

    assert [m.body for m in rows(runtime, direction="inbound")] == ["hello", "how much"]
    clock.forward(minutes=1)
    manager.sweep(runtime)
    assert [m.text[:9] for m in channel.sent] == ["Hello May", "On your p"]


def test_what_we_have_is_not_received_again(runtime: Runtime, channel: FakeChannel) -> None:
    manager.receive(runtime, inbound("hello", "SM1"))
    channel.log = [came("SM1", "hello")]
    assert run(runtime).received == 0
    assert run(runtime).received == 0
    assert len(rows(runtime)) == 2


def test_reconciling_twice_receives_once(runtime: Runtime, channel: FakeChannel) -> None:
    channel.log = [came("SM1", "hello")]
    assert [run(runtime).received, run(runtime).received] == [1, 0]


def test_a_message_to_a_number_that_is_none_of_ours_is_passed_over(
    runtime: Runtime, channel: FakeChannel
) -> None:
    channel.log = [came("SM1", "hello", to="+15550104444"), came("SM2", "hello")]
    assert run(runtime).received == 1


def test_a_late_picture_is_noted_though_the_log_does_not_say_where_it_lies(
    runtime: Runtime, channel: FakeChannel
) -> None:
    channel.log = [came("SM1", "", num_media=2)]
    run(runtime)
    (message,) = rows(runtime, direction="inbound")
    assert message.media == [{"url": "", "content_type": "unknown"}] * 2
    assert rows(runtime, Handoff)[0].reason == "picture"


def test_a_late_stop_is_obeyed(runtime: Runtime, channel: FakeChannel) -> None:
    channel.log = [came("SM1", "STOP")]
    run(runtime)
    with runtime.reading() as session:
        phone = session.scalars(select(Conversation)).one().phone
        assert phone.opted_out_at is not None


def test_a_late_stranger_is_answered(runtime: Runtime, channel: FakeChannel) -> None:
    channel.log = [came("SM1", "hello", from_number="+15550107777")]
    assert run(runtime).received == 1
    assert rows(runtime, direction="outbound")[0].reply_key == "unknown.number"


# Texts in doubt


def answered(runtime: Runtime, text: str = "hello", sid: str = "SM1") -> Message:
    """A reply of ours that left in a response, unconfirmed."""
    manager.receive(runtime, inbound(text, sid))
    return rows(runtime, direction="outbound")[-1]


def test_a_text_in_doubt_that_the_log_has_is_confirmed(
    runtime: Runtime, channel: FakeChannel, clock: Clock
) -> None:
    reply = answered(runtime)
    clock.forward(minutes=6)
    channel.log = [came("SM1", "hello"), went("SMout", reply.body)]
    assert run(runtime) == Reconciled(received=0, sent_again=0, confirmed=1)
    (found,) = rows(runtime, direction="outbound")
    assert (found.status, found.external_id) == ("delivered", "SMout")
    assert channel.sent == []


def test_a_text_in_doubt_that_the_log_has_not_is_sent_again(
    runtime: Runtime, channel: FakeChannel, clock: Clock
) -> None:
    jobs: list[Any] = []
    runtime.enqueue = lambda *job: jobs.append(job)
    reply = answered(runtime)
    clock.forward(minutes=6)
    channel.log = [came("SM1", "hello")]
    assert run(runtime) == Reconciled(received=0, sent_again=1, confirmed=0)
    assert jobs == [("deliver", reply.id)]
    outbox.deliver(runtime, reply.id)
    assert [m.text for m in channel.sent] == [reply.body]
    assert run(runtime).sent_again == 0


def test_a_text_that_left_a_moment_ago_is_not_in_doubt(
    runtime: Runtime, channel: FakeChannel, clock: Clock
) -> None:
    answered(runtime)
    clock.forward(minutes=4)
    assert run(runtime) == Reconciled(0, 0, 0)
    assert rows(runtime, direction="outbound")[0].status == "sending"


@pytest.mark.parametrize(
    ("in_log", "sent_again"),
    [(0, 2), (1, 1), (2, 0)],
    ids=["none went", "one went", "both went"],
)
def test_identical_texts_are_told_apart(
    runtime: Runtime, channel: FakeChannel, clock: Clock, in_log: int, sent_again: int
) -> None:
    first, second = answered(runtime, sid="SM1"), answered(runtime, sid="SM2")
    assert first.body == second.body
    clock.forward(minutes=6)
    channel.log = [went(f"SMout{n}", first.body) for n in range(in_log)]
    assert run(runtime) == Reconciled(0, sent_again, confirmed=2 - sent_again)
    ids = [m.external_id for m in rows(runtime, status="delivered")]
    assert ids == [f"SMout{n}" for n in range(in_log)]


def test_a_logged_text_that_another_row_owns_confirms_nothing(
    runtime: Runtime, channel: FakeChannel, clock: Clock
) -> None:
    first = answered(runtime, sid="SM1")
    with runtime.unit_of_work() as uow:
        owned = uow.session.get_one(Message, first.id)
        owned.external_id, owned.status = "SMout", "delivered"
        uow.commit()
    answered(runtime, sid="SM2")
    clock.forward(minutes=6)
    channel.log = [went("SMout", first.body)]
    assert run(runtime) == Reconciled(received=0, sent_again=1, confirmed=0)


def test_a_text_to_somebody_else_confirms_nothing(
    runtime: Runtime, channel: FakeChannel, clock: Clock
) -> None:
    reply = answered(runtime)
    clock.forward(minutes=6)
    channel.log = [went("SMout", reply.body, to="+15550107777")]
    assert run(runtime).sent_again == 1


def test_blanks_at_the_ends_do_not_matter(
    runtime: Runtime, channel: FakeChannel, clock: Clock
) -> None:
    reply = answered(runtime)
    clock.forward(minutes=6)
    channel.log = [went("SMout", f" {reply.body}\n")]
    assert run(runtime).confirmed == 1


def test_a_failure_in_the_log_is_treated_as_news_of_it(
    runtime: Runtime, channel: FakeChannel, clock: Clock
) -> None:
    reply = answered(runtime)
    clock.forward(minutes=6)
    channel.log = [went("SMout", reply.body, "failed", error_code="30007")]
    run(runtime)
    (found,) = rows(runtime, direction="outbound")
    assert (found.status, found.error_code) == ("failed", "30007")


def test_a_text_of_which_sending_was_unsure_is_settled_too(
    runtime: Runtime, channel: FakeChannel, clock: Clock
) -> None:
    manager.receive(runtime, inbound("hello", "SM1"), in_response=False)
    (reply,) = rows(runtime, direction="outbound")
    channel.fails_with = [SendUncertain()]
    outbox.deliver(runtime, reply.id)
    assert rows(runtime, id=reply.id)[0].status == "sending"
    clock.forward(minutes=6)
    channel.log = [went("SMout", reply.body, "sent")]
    assert run(runtime).confirmed == 1
    assert channel.sent == []


def test_a_reply_that_is_sent_again_is_not_given_in_a_response_too(
    runtime: Runtime, channel: FakeChannel, clock: Clock
) -> None:
    answered(runtime)
    clock.forward(minutes=6)
    run(runtime)
    assert manager.receive(runtime, inbound("hello", "SM1")).replies == ()


def test_a_log_that_cannot_be_read_changes_nothing(
    runtime: Runtime, channel: FakeChannel, clock: Clock
) -> None:
    class Down(FakeChannel):
        def list_messages(self, since: datetime, *, to: str | None = None) -> Any:
            raise ChannelUnavailable("503")

    answered(runtime)
    runtime.channels = {"twilio": Down(runtime.settings)}
    clock.forward(minutes=6)
    with pytest.raises(ChannelUnavailable):
        run(runtime)
    assert rows(runtime, direction="outbound")[0].status == "sending"
