"""Exactly once, with real server processes: repeats, two workers at once, processes killed.

Phones text through the stand-in for the provider. Its log is the truth: in the end the database
must hold what the log holds, message for message and answer for answer.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from models import Message
from settings import database_address
from simulator.network import PhoneNetwork, Texted
from tests.builders import SENDER
from tests.conftest import MODEL_DIR, SERVER
from tests.line import (
    ACCOUNT,
    PUBLIC_URL,
    SCRIPTS,
    STATUS_PATH,
    TOKEN,
    Line,
    Wire,
    assert_answered_once,
    clients,
    deployed,
    inbound,
    wait,
)

pytestmark = pytest.mark.skipif(
    not (MODEL_DIR / "CURRENT").exists(), reason="no trained model: run `make model`"
)

GIVES_UP_AFTER = timedelta(minutes=6)  # more than bot.manager.CONFIRMED_WITHIN
PAUSE = 1.0  # seconds that a phone waits after a message that did not get through


def script(phone: str, locale: str) -> list[str]:
    """What a person texts; every fifth one opts out near the end and texts once more."""
    texts = SCRIPTS[locale][1].split("|")
    if int(phone[-2:]) % 5 == 0:
        texts[8] = "STOP"
    return texts


@pytest.fixture(params=["sqlite", "postgresql"])
def own_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database that no other test shares: the processes may outlive a failing test's client."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'line.db'}"
        return
    server = make_url(database_address("TEST_DATABASE_URL", SERVER))
    if server.get_backend_name() != "postgresql":
        pytest.skip("TEST_DATABASE_URL names no PostgreSQL server")
    name = f"repayline_once_{os.getpid()}"
    engine = create_engine(
        server, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 3}
    )
    try:
        with engine.connect() as connection:
            connection.execute(text(f'CREATE DATABASE "{name}"'))
    except OperationalError:
        pytest.skip(f"no PostgreSQL server answers at {server.host}:{server.port}")
    yield server.set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    engine.dispose()


@pytest.fixture
def line(own_database: str, tmp_path: Path) -> Iterator[Line]:
    with deployed(own_database, tmp_path) as made:
        yield made


def _without_callbacks(wire: Wire) -> PhoneNetwork:
    """The same provider on a day when its status callbacks do not get through."""

    def post(path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        if path.startswith(STATUS_PATH):
            return 204, b""
        return wire.post(path, body, headers)

    return PhoneNetwork(ACCOUNT, TOKEN, PUBLIC_URL, post)


def _said(texted: Texted) -> tuple[tuple[str, ...], ...]:
    """All that a TwiML answer says, without what the provider adds."""
    return tuple((r.to, r.from_number, r.body, str(r.status_callback)) for r in texted.replies)


def assert_all_is_there_once(line: Line) -> None:
    """All two hundred messages, each answered once."""
    assert len(assert_answered_once(line)) == 200


def test_repeated_messages_on_two_workers_are_stored_and_answered_once(line: Line) -> None:
    deaf = _without_callbacks(line.wire)
    repeats: list[list[Texted]] = []
    sent: dict[str, list[str]] = {}

    def client(people: list[tuple[str, str]]) -> None:
        twins = ThreadPoolExecutor(2)
        for turn in range(10):
            for phone, locale in people:
                entry = line.network.accept(phone, SENDER, script(phone, locale)[turn])
                sent.setdefault(phone, []).append(entry.sid)
                if turn == 2:  # twice in the same instant
                    repeats.append(list(twins.map(deaf.deliver, [entry, entry])))
                elif turn == 6:  # again, after the next message
                    repeats.append([deaf.deliver(entry)])
                else:
                    line.network.deliver(entry)
                if turn == 7:
                    earlier = line.network.get(sent[phone][6])
                    mine = next(r for r in repeats if r[0].sid == earlier.sid)
                    mine.append(deaf.deliver(earlier))

    with clients(client):
        pass

    assert not line.wire.refused()
    assert len(repeats) == 40
    for copies in repeats:
        assert len(copies) == 2
        assert {copy.status for copy in copies} == {200}
        assert len({_said(copy) for copy in copies}) == 1  # unconfirmed: the same answer again
        for reply in copies[0].replies:
            line.network.report(reply)
    confirmed = [line.network.deliver(line.network.get(copies[0].sid)) for copies in repeats[:8]]
    assert all(texted.status == 200 and not texted.replies for texted in confirmed)
    assert_all_is_there_once(line)
    stored: dict[str, list[str]] = {}
    for row in line.messages():
        if row.direction == "inbound":
            stored.setdefault(row.conversation.phone.number, []).append(str(row.external_id))
            assert row.attempts == 0
    assert stored == sent


def _kill_workers(line: Line) -> None:
    """Kill one worker, and another one later; the server replaces them by itself."""
    for mark in (60, 130):
        wait(lambda mark=mark: len(inbound(line.network.texts())) >= mark)
        os.kill(line.workers()[0], signal.SIGKILL)


def _kill_all(line: Line) -> None:
    """Kill the server with its workers, and start it again."""
    wait(lambda: len(inbound(line.network.texts())) >= 90)
    line.kill(line.web)
    line.start()


@pytest.mark.parametrize("disaster", [_kill_workers, _kill_all], ids=["a worker", "all"])
def test_nothing_is_missing_after_a_kill(line: Line, disaster: Callable[[Line], None]) -> None:
    line.wire.loses_every = 20
    lost: list[str] = []

    def client(people: list[tuple[str, str]]) -> None:
        for turn in range(10):
            for phone, locale in people:
                texted = line.network.text(phone, SENDER, script(phone, locale)[turn])
                if texted.status is None:  # the provider does not call again
                    lost.append(texted.sid)
                    time.sleep(PAUSE)

    with clients(client):
        disaster(line)
    line.wire.loses_every = 0
    assert len(lost) >= 10

    line.age(GIVES_UP_AFTER)
    found = line.flask("reconcile", "--since", "1h")
    assert " 0 queued again" not in found
    line.run([sys.executable, "-m", "flask", "worker"])
    wait(lambda: not _unsettled(line), seconds=60)
    assert not line.wire.refused()
    assert_all_is_there_once(line)


def _unsettled(line: Line) -> list[Message]:
    waiting = {"received", "unprocessed", "queued", "sending"}
    return [row for row in line.messages() if row.status in waiting]
