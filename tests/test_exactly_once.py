"""Exactly once, with real server processes: repeats, two workers at once, processes killed.

Phones text through the stand-in for the provider. Its log is the truth: in the end the database
must hold what the log holds, message for message and answer for answer.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import create_engine, select, text, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, joinedload

from migrations import upgrade
from models import Conversation, Message, connect
from settings import PROJECT, Settings, database_address
from simulator.network import LoggedText, PhoneNetwork, Post, Texted
from simulator.provider import http_post, make_provider_server
from supervisor import commands
from tests.builders import SENDER, borrower, loan, sender
from tests.conftest import MODEL_DIR, SERVER

pytestmark = pytest.mark.skipif(
    not (MODEL_DIR / "CURRENT").exists(), reason="no trained model: run `make model`"
)

PUBLIC_URL = "https://sms.lender.example"
ACCOUNT, TOKEN = "AC0123456789abcdef0123456789abcdef", "token-of-the-load-test"
CLIENTS = 8
STATUS_PATH = "/webhooks/twilio/status"
GIVES_UP_AFTER = timedelta(minutes=6)  # more than bot.manager.CONFIRMED_WITHIN
PAUSE = 1.0  # seconds that a phone waits after a message that did not get through

# Ten texts a borrower: an identity check, questions, an extension agreed, a link. Sent to the
# real model, in four languages; nothing here depends on what it makes of them.
SCRIPTS = {
    "en": (
        "America/New_York",
        "hi|how much do i owe?|1990|when is my payment due?|can i get two more weeks?|1|yes|"
        "send me the link to pay|what's left on it now|thank you",
    ),
    "es": (
        "America/Chicago",
        "hola|cuánto debo?|1990|cuándo tengo que pagar?|me pueden dar más tiempo?|1|sí|"
        "mándame el enlace para pagar|cuánto me falta|gracias",
    ),
    "zh_Hans": (
        "Asia/Shanghai",
        "你好|我还欠多少钱？|1990|什么时候还款？|能不能晚几天还？|1|是的|发我付款链接|"
        "还剩多少没还|谢谢",
    ),
    "zh_Hant": (
        "Asia/Taipei",
        "你好|我還欠多少錢？|1990|什麼時候要還款？|可以晚幾天還嗎？|1|是的|傳付款連結給我|"
        "還剩多少沒還|謝謝",
    ),
}
PEOPLE = [(f"+1555010{n:04}", list(SCRIPTS)[n % 4]) for n in range(1, 21)]


def script(phone: str, locale: str) -> list[str]:
    """What a person texts; every fifth one opts out near the end and texts once more."""
    texts = SCRIPTS[locale][1].split("|")
    if int(phone[-2:]) % 5 == 0:
        texts[8] = "STOP"
    return texts


@dataclass
class Wire:
    """The way between the provider and the application: counts answers, and may lose some."""

    post_over_http: Post
    loses_every: int = 0
    """The answer to every so manieth message is lost, when the application has long sent it."""
    statuses: Counter[int] = field(default_factory=Counter)
    _messages: Iterator[int] = field(default_factory=lambda: count(1))

    def post(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        status, answer = self.post_over_http(path, body, headers)
        self.statuses[status] += 1
        is_message = not path.startswith(STATUS_PATH)
        if self.loses_every and is_message and next(self._messages) % self.loses_every == 0:
            raise ConnectionResetError
        return status, answer

    def refused(self) -> list[int]:
        """Answers that are not a success."""
        return [status for status in self.statuses if status >= 400]


@dataclass
class Line:
    """One deployment: web server processes on a port, a database, a provider."""

    database_url: str
    environ: dict[str, str]
    port: int
    log: Path
    network: PhoneNetwork
    wire: "Wire"
    web: "subprocess.Popen[bytes] | None" = None
    running: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def start(self) -> None:
        """Run the web server as `python app.py` does, and wait until it listens."""
        settings = Settings.from_env(self.environ)
        self.web = self.run(commands(settings)["web"])
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            assert self.web.poll() is None, self.log.read_text()
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError(f"no server after half a minute:\n{self.log.read_text()}")

    def run(self, command: list[str]) -> "subprocess.Popen[bytes]":
        """Start a process in a group of its own, so that it can be killed with its children."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=PROJECT,
                env={**os.environ, **self.environ},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.running.append(process)
        return process

    def flask(self, *arguments: str) -> str:
        """Run a `flask` command to its end."""
        command = [sys.executable, "-m", "flask", *arguments]
        done = subprocess.run(
            command,
            cwd=PROJECT,
            env={**os.environ, **self.environ},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def workers(self) -> list[int]:
        """Process ids of the web server's workers."""
        assert self.web is not None
        found = subprocess.run(["pgrep", "-P", str(self.web.pid)], capture_output=True, text=True)
        return [int(pid) for pid in found.stdout.split()]

    def kill(self, process: "subprocess.Popen[bytes] | None") -> None:
        """Kill a process and its children without a warning, as a power cut does."""
        assert process is not None
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def messages(self) -> list[Message]:
        """Every stored message, in the order of arrival."""
        engine = connect(self.database_url)
        phone = joinedload(Message.conversation).joinedload(Conversation.phone)
        with Session(engine) as session:
            found = session.scalars(select(Message).order_by(Message.id).options(phone)).all()
        engine.dispose()
        return list(found)

    def age(self, by: timedelta) -> None:
        """Let time go by for all that was handed over and not confirmed."""
        engine = connect(self.database_url)
        with engine.begin() as connection:
            rows = connection.execute(
                select(Message.id, Message.updated_at).where(Message.status == "sending")
            ).all()
            for row in rows:
                earlier = row.updated_at - by
                connection.execute(
                    update(Message).where(Message.id == row.id).values(updated_at=earlier)
                )
        engine.dispose()


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
    """Two web workers in front of a migrated database with twenty borrowers; all stopped after."""
    _load(own_database)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    wire = Wire(http_post(f"http://127.0.0.1:{port}"))
    network = PhoneNetwork(ACCOUNT, TOKEN, PUBLIC_URL, wire.post)
    provider = make_provider_server(network)
    threading.Thread(target=provider.serve_forever, daemon=True).start()
    environ = {
        "DATABASE_URL": own_database,
        "JOBS_URL": f"sqlite:///{tmp_path / 'jobs.db'}",
        "PORT": str(port),
        "PUBLIC_URL": PUBLIC_URL,
        "SECRET_KEY": "a-secret-for-tests",
        "SIMULATOR": "off",
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "TWILIO_API_URL": f"http://127.0.0.1:{provider.port}",
        "WEB_WORKERS": "2",
    }
    made = Line(own_database, environ, port, tmp_path / "processes.log", network, wire)
    try:
        made.start()
        yield made
    finally:
        for process in made.running:
            made.kill(process)
        provider.shutdown()
        provider.server_close()


def _load(database_url: str) -> None:
    engine = connect(database_url)
    upgrade(engine)
    today = datetime.now(UTC).date()
    with Session(engine) as session:
        session.add(sender(account=ACCOUNT))
        for phone, locale in PEOPLE:
            zone = SCRIPTS[locale][0]
            loans = (loan(today, reference=f"L{phone[-4:]}"),)
            session.add(borrower(phone=phone, loans=loans, locale=locale, timezone=zone))
        session.commit()
    engine.dispose()


def _without_callbacks(wire: Wire) -> PhoneNetwork:
    """The same provider on a day when its status callbacks do not get through."""

    def post(path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        if path.startswith(STATUS_PATH):
            return 204, b""
        return wire.post(path, body, headers)

    return PhoneNetwork(ACCOUNT, TOKEN, PUBLIC_URL, post)


@contextmanager
def _clients(client: Callable[[list[tuple[str, str]]], None]) -> Iterator[None]:
    """Eight clients at once, each with people of its own; at the end all of them are done."""
    with ThreadPoolExecutor(CLIENTS, thread_name_prefix="client") as pool:
        done = [pool.submit(client, PEOPLE[n::CLIENTS]) for n in range(CLIENTS)]
        yield
    for each in done:
        each.result()


def _inbound(texts: list[LoggedText]) -> list[str]:
    return [entry.sid for entry in texts if entry.direction == "inbound"]


def _said(texted: Texted) -> tuple[tuple[str, ...], ...]:
    """All that a TwiML answer says, without what the provider adds."""
    return tuple((r.to, r.from_number, r.body, str(r.status_callback)) for r in texted.replies)


def assert_all_is_there_once(line: Line) -> None:
    """The database and the provider's log tell the same story."""
    rows = line.messages()
    inbound = [row for row in rows if row.direction == "inbound"]
    outbound = [row for row in rows if row.direction == "outbound"]
    log = line.network.texts()
    assert Counter(row.external_id for row in inbound) == Counter(_inbound(log))
    assert len(inbound) == 200
    assert {row.status for row in inbound} == {"processed"}
    answers = Counter(row.in_reply_to_id for row in outbound)
    for row in inbound:
        assert row.understanding is not None
        assert answers[row.id] == (1 if row.understanding["replies"] else 0), row.id
    assert len(outbound) > 150  # the bot is not merely silent
    gone = [
        (row.external_id, row.conversation.phone.number, row.body)
        for row in outbound
        if row.status != "blocked"
    ]
    logged = [(e.sid, e.to, e.body) for e in log if e.direction != "inbound"]
    assert sorted(gone, key=str) == sorted(logged)


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

    with _clients(client):
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
        _wait(lambda mark=mark: len(_inbound(line.network.texts())) >= mark)
        os.kill(line.workers()[0], signal.SIGKILL)


def _kill_all(line: Line) -> None:
    """Kill the server with its workers, and start it again."""
    _wait(lambda: len(_inbound(line.network.texts())) >= 90)
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

    with _clients(client):
        disaster(line)
    line.wire.loses_every = 0
    assert len(lost) >= 10

    line.age(GIVES_UP_AFTER)
    found = line.flask("reconcile", "--since", "1h")
    assert " 0 queued again" not in found
    line.run([sys.executable, "-m", "flask", "worker"])
    _wait(lambda: not _unsettled(line), seconds=60)
    assert not line.wire.refused()
    assert_all_is_there_once(line)


def _unsettled(line: Line) -> list[Message]:
    waiting = {"received", "unprocessed", "queued", "sending"}
    return [row for row in line.messages() if row.status in waiting]


def _wait(until: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
