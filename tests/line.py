"""One deployment with real server processes, and phones that text to it."""

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

from sqlalchemy import select, update
from sqlalchemy.orm import Session, joinedload

from migrations import upgrade
from models import Conversation, Message, connect
from settings import PROJECT, Settings
from simulator.network import LoggedText, PhoneNetwork, Post
from simulator.provider import http_post, make_provider_server
from supervisor import commands
from tests.builders import borrower, loan, sender

PUBLIC_URL = "https://sms.lender.example"
ACCOUNT, TOKEN = "AC0123456789abcdef0123456789abcdef", "token-of-the-load-test"
CLIENTS = 8
STATUS_PATH = "/webhooks/twilio/status"

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


@contextmanager
def deployed(database_url: str, directory: Path, **environ: str) -> Iterator[Line]:
    """Two web workers in front of a migrated database with twenty borrowers; all stopped after.

    Args:
        database_url: an empty database.
        directory: for the queue of jobs and the log.
        environ: further settings.

    """
    _load(database_url)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    wire = Wire(http_post(f"http://127.0.0.1:{port}"))
    network = PhoneNetwork(ACCOUNT, TOKEN, PUBLIC_URL, wire.post)
    provider = make_provider_server(network)
    threading.Thread(target=provider.serve_forever, daemon=True).start()
    settings = {
        "DATABASE_URL": database_url,
        "JOBS_URL": f"sqlite:///{directory / 'jobs.db'}",
        "PORT": str(port),
        "PUBLIC_URL": PUBLIC_URL,
        "SECRET_KEY": "a-secret-for-tests",
        "SIMULATOR": "off",
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "TWILIO_API_URL": f"http://127.0.0.1:{provider.port}",
        "WEB_WORKERS": "2",
        **environ,
    }
    made = Line(database_url, settings, port, directory / "processes.log", network, wire)
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


@contextmanager
def clients(client: Callable[[list[tuple[str, str]]], None]) -> Iterator[None]:
    """Eight clients at once, each with people of its own; at the end all of them are done."""
    with ThreadPoolExecutor(CLIENTS, thread_name_prefix="client") as pool:
        done = [pool.submit(client, PEOPLE[n::CLIENTS]) for n in range(CLIENTS)]
        yield
    for each in done:
        each.result()


def inbound(texts: list[LoggedText]) -> list[str]:
    return [entry.sid for entry in texts if entry.direction == "inbound"]


def wait(until: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def assert_answered_once(line: Line) -> list[Message]:
    """The database and the provider's log tell the same story; gives back the inbound messages."""
    rows = line.messages()
    inbound_rows = [row for row in rows if row.direction == "inbound"]
    outbound = [row for row in rows if row.direction == "outbound"]
    log = line.network.texts()
    assert Counter(row.external_id for row in inbound_rows) == Counter(inbound(log))
    assert {row.status for row in inbound_rows} == {"processed"}
    answers = Counter(row.in_reply_to_id for row in outbound)
    for row in inbound_rows:
        assert row.understanding is not None
        assert answers[row.id] == (1 if row.understanding["replies"] else 0), row.id
    assert len(outbound) > 0.75 * len(inbound_rows)  # the bot is not merely silent
    gone = [
        (row.external_id, row.conversation.phone.number, row.body)
        for row in outbound
        if row.status != "blocked"
    ]
    logged = [(e.sid, e.to, e.body) for e in log if e.direction != "inbound"]
    assert sorted(gone, key=str) == sorted(logged)
    return inbound_rows
