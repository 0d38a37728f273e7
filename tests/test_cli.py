"""The command line, run on a real application whose reader is a table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskCliRunner
from sqlalchemy import inspect, select

import demo
from app import create_app
from bot.policy import reading
from bot.runtime import Runtime
from channels.base import ChannelMisconfigured, LoggedMessage
from models import Message
from tests import builders
from tests.builders import PHONE, SENDER
from tests.conftest import fresh_database
from tests.fakes import POLICY_TEXT, FakeChannel, TableReader, make_runtime


@pytest.fixture
def runtime(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Runtime]:
    url = fresh_database("sqlite", tmp_path, request)
    made = make_runtime(url, JOBS_URL=f"sqlite:///{tmp_path / 'jobs.db'}")
    yield made
    made.engine.dispose()


@pytest.fixture
def flask(runtime: Runtime) -> FlaskCliRunner:
    return create_app(runtime=runtime).test_cli_runner()


def test_migrate_makes_the_tables(tmp_path: Path) -> None:
    made = make_runtime(f"sqlite:///{tmp_path / 'new.db'}")
    ran = create_app(runtime=made).test_cli_runner().invoke(args=["migrate"])
    assert (ran.exit_code, ran.output) == (0, "The database is up to date.\n")
    assert "messages" in inspect(made.engine).get_table_names()
    made.engine.dispose()


def test_demo_prints_json_for_a_script(flask: FlaskCliRunner) -> None:
    ran = flask.invoke(args=["demo", "--load", "--json"])
    assert ran.exit_code == 0
    described = json.loads(ran.stdout)
    assert described["lender_number"] == SENDER
    assert len(described["borrowers"]) == len(demo.BORROWERS)
    for borrower in described["borrowers"]:
        assert borrower["phone"].startswith("+")
        assert {"locale", "timezone", "verification", "verification_answer"} <= set(borrower)
        for loan in borrower["loans"]:
            assert {"reference", "product", "currency", "balance", "due_on"} <= set(loan)
            assert isinstance(loan["balance"], str)
    assert "晓雯" in ran.stdout


def test_demo_prints_lines_for_people(flask: FlaskCliRunner) -> None:
    ran = flask.invoke(args=["demo", "--load"])
    assert f"Text to {SENDER} as one of these:" in ran.stdout
    assert f"  {PHONE}  Maya Brooks (en), owes 734.50 USD; birth_year: 1990" in ran.stdout


def test_demo_without_load_changes_nothing(flask: FlaskCliRunner) -> None:
    ran = flask.invoke(args=["demo", "--json"])
    assert json.loads(ran.stdout) == {"lender_number": None, "borrowers": []}


def test_chat_reads_a_pipe_and_shows_both_sides(flask: FlaskCliRunner, runtime: Runtime) -> None:
    reader = runtime.reader
    assert isinstance(reader, TableReader)
    reader.means("how much do i owe", "ask_balance")
    flask.invoke(args=["demo", "--load"])

    ran = flask.invoke(args=["chat", "--as", PHONE], input="how much do i owe\n\n1990\n")

    assert ran.exit_code == 0, ran.output
    assert ran.stdout.splitlines() == [
        "> how much do i owe",
        "< Happy to help. To protect your privacy, which year were you born? (4 digits)",
        "> 1990",
        "< On your personal loan you owe $734.50 in all; $134.50 of it has been due since "
        "Feb 23, 2026, including $14.50 in late charges.",
        "  You can write PAY for a payment link, or tell me if you need more time.",
        "  Reply STOP to stop texts to this number.",
    ]
    with runtime.reading() as session:
        statuses = session.scalars(select(Message.status).where(Message.direction == "outbound"))
        assert set(statuses) <= {"sent", "delivered"}, "the phone told that it arrived"


def test_chat_without_a_sender_says_what_to_do(flask: FlaskCliRunner) -> None:
    ran = flask.invoke(args=["chat", "--as", PHONE], input="hi\n")
    assert ran.exit_code == 1
    assert "run `flask demo --load` first" in ran.output


@pytest.mark.parametrize("since", ["soon", "6", "6 h", "-1h", "1w", ""])
def test_reconcile_refuses_a_senseless_time_in_a_sentence(
    flask: FlaskCliRunner, since: str
) -> None:
    ran = flask.invoke(args=["reconcile", "--since", since])
    assert ran.exit_code == 1
    assert ran.output == f"Error: --since {since} makes no sense: write 90m, 6h or 2d.\n"


@pytest.mark.parametrize("since", ["90m", "6h", "2d"])
def test_reconcile_receives_what_never_came(
    flask: FlaskCliRunner, runtime: Runtime, since: str
) -> None:
    with runtime.unit_of_work() as uow:
        uow.session.add_all([builders.borrower(), builders.sender()])
        uow.commit()
    channel = runtime.channels["twilio"]
    assert isinstance(channel, FakeChannel)
    channel.log = [LoggedMessage("SM1", "inbound", PHONE, SENDER, "hello", "received")]
    ran = flask.invoke(args=["reconcile", "--since", since])
    assert ran.output == "twilio: 1 received late, 0 queued again, 0 confirmed.\n"


def test_reconcile_says_when_the_log_cannot_be_read(
    flask: FlaskCliRunner, runtime: Runtime
) -> None:
    class Refusing(FakeChannel):
        def list_messages(self, *_: object, **__: object):  # type: ignore[no-untyped-def]
            raise ChannelMisconfigured("20003")

    runtime.channels = {"twilio": Refusing(runtime.settings)}
    ran = flask.invoke(args=["reconcile"])
    assert ran.exit_code == 1
    assert ran.output == (
        "Error: The log of twilio cannot be read (ChannelMisconfigured 20003): "
        "check TWILIO_API_URL and the account.\n"
    )


ADDRESSES = {"no plus": "15551234567", "words": "lender", "too short": "+12345", "zero": "+0123456"}


@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES)
def test_a_sender_that_is_no_number_is_refused(flask: FlaskCliRunner, address: str) -> None:
    ran = flask.invoke(args=["sender", "add", address, "--country", "US"])
    assert ran.exit_code == 1
    assert "is no number such as +15551234567." in ran.output


def test_a_sender_is_added_once_and_then_changed(flask: FlaskCliRunner, runtime: Runtime) -> None:
    from models import Sender

    for service in ("MG1", "MG2"):
        args = ["sender", "add", "+15551234567", "--country", "US", "--messaging-service", service]
        assert flask.invoke(args=args).output == "+15551234567 is served.\n"
    with runtime.reading() as session:
        (added,) = session.scalars(select(Sender))
    assert (added.address, added.country, added.messaging_service) == ("+15551234567", "US", "MG2")
    assert added.account is None


def test_every_command_says_what_it_does(flask: FlaskCliRunner) -> None:
    listed = flask.invoke(args=["--help"]).output
    for name in ("migrate", "demo", "chat", "reconcile", "worker", "sender", "nlu"):
        assert f"  {name} " in listed


def test_a_policy_is_checked(flask: FlaskCliRunner) -> None:
    ran = flask.invoke(args=["policy", "check"])
    assert (ran.exit_code, ran.output) == (0, "policy.toml is valid.\n")


def test_a_policy_that_makes_no_sense_is_refused_with_its_line(
    flask: FlaskCliRunner, tmp_path: Path
) -> None:
    wrong = tmp_path / "strict.toml"
    wrong.write_text(POLICY_TEXT.replace("tries = 3", "tries = 0"), "utf-8")
    ran = flask.invoke(args=["policy", "check", "--file", str(wrong)])
    assert ran.exit_code == 1
    line = POLICY_TEXT.splitlines().index("tries = 3") + 1
    assert f"strict.toml: line {line}: identity.tries must be 1 or more." in ran.output


def line_of(key: str, section: str) -> int:
    found = reading.line_of(POLICY_TEXT, section, key)
    assert found is not None
    return found


def test_a_policy_says_what_a_borrower_may_be_offered_and_why_not_more(
    flask: FlaskCliRunner, runtime: Runtime
) -> None:
    with runtime.unit_of_work() as uow:
        late = builders.loan()
        coming = builders.loan(reference="L0002-5678", due_in=5, late_charges="0.00")
        uow.session.add(builders.borrower(loans=(late, coming)))
        uow.commit()
    args = ["policy", "check", "--borrower", PHONE, "--date", "2026-03-04"]
    ran = flask.invoke(args=args)
    assert ran.exit_code == 0
    steps = "percent_by_days_overdue"
    none = [
        f"  no {name}: the policy forgives nothing ({name}.{steps}, line {line_of(steps, name)})"
        for name in ("settlement", "waiver")
    ]
    nothing_forgiven = "\n".join(none)
    expected = f"""\
policy.toml is valid.
B0001 (US) on 2026-03-04:
L0001-1234 (personal_loan): 734.50 USD owed, 134.50 USD of it due on 2026-02-23 (9 days overdue)
  extension: 7 days, until 2026-03-11; 14 days, until 2026-03-18
    by the borrower's wish any day until 2026-03-18; 2 left for this loan
  plan: 2 parts: 67.25 on 2026-03-18, 67.25 on 2026-04-01
    3 parts: 44.83 on 2026-03-18, 44.83 on 2026-04-01, 44.84 on 2026-04-15
    4 parts: 33.62 on 2026-03-18, 33.62 on 2026-04-01, 33.62 on 2026-04-15, 33.64 on 2026-04-29
    by the borrower's wish up to 6 parts of 20.00 USD or more, the first until 2026-03-18, \
14 days apart at most
{nothing_forgiven}
  promise: until 2026-04-03, of 5.00 USD or more
L0002-5678 (personal_loan): 720.00 USD owed, 120.00 USD of it due on 2026-03-09 (due in 5 days)
  extension: 7 days, until 2026-03-16; 14 days, until 2026-03-23
    by the borrower's wish any day until 2026-03-23; 2 left for this loan
  no plan: due in 5 days, plans begin at 0 (plan.from_days_overdue, \
line {line_of("from_days_overdue", "plan")})
{nothing_forgiven}
  promise: until 2026-04-03, of 5.00 USD or more
"""
    assert ran.output == expected
    by_reference = flask.invoke(args=[*args[:3], "B0001", *args[4:]])
    assert by_reference.output == expected


def test_a_borrower_that_nobody_knows_is_said_so(flask: FlaskCliRunner) -> None:
    ran = flask.invoke(args=["policy", "check", "--borrower", "B9999"])
    assert ran.exit_code == 1
    assert "There is no borrower B9999." in ran.output
