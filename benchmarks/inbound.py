"""Messages a second and latency of the inbound webhook, beside Rasa's own server and the limit.

One run, one machine, the same texts and the same NLU model:

    .venv/bin/python benchmarks/inbound.py
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import client, servers
from benchmarks.client import Sample
from benchmarks.servers import Running
from benchmarks.traffic import (
    BORROWERS,
    Line,
    Text,
    Traffic,
    load_borrowers,
    phone_of,
    read_dialogues,
    read_openings,
    rest,
    signed,
)
from bot.nlu.classifier import current_model
from models import connect
from settings import PROJECT

DEFAULT_SERVER = "postgresql://postgres@127.0.0.1:5432/postgres"
WARM_UP = 1.5


@dataclass(frozen=True)
class Kind:
    """How a server is spoken to."""

    prepare: Callable[[list[Text]], list[bytes]]
    mark: bytes
    """What stands in an answer that holds a reply."""
    fastest: int
    """Requests a second that are prepared; more than it can answer."""


def _webhooks(texts: list[Text]) -> list[bytes]:
    return signed(texts, servers.ACCOUNT, servers.TOKEN, servers.PUBLIC_URL)


REPAYLINE = Kind(_webhooks, b"<Message", 1500)
BARE = Kind(_webhooks, b"<Message", 4000)
RASA = Kind(rest, b'"text"', 500)


@dataclass
class Bench:
    """Loads servers, one at a time, from a process of its own, and keeps what came of it."""

    clients: list[int]
    seconds: float
    bursty: bool
    distinct: bool
    texts: str
    lines: list[Line]
    process: ProcessPoolExecutor
    rows: list[tuple[str, str, Sample]] = field(default_factory=list)
    shares: dict[str, float] = field(default_factory=dict)
    """The share of distinct texts among those that a server was sent."""

    @contextmanager
    def against(self, name: str, kind: Kind, starting: servers.Starting) -> Iterator[Running]:
        """Start a server, and give it the texts from the first one on."""
        self.traffic = Traffic(self.lines, distinct=self.distinct)
        started = time.perf_counter()
        with starting as running:
            [greeting] = kind.prepare([Text(phone_of(BORROWERS), "hello")])
            for port in running.ports:
                client.await_reply(port, greeting, kind.mark, servers.READY_WITHIN)
            ready_after = time.perf_counter() - started
            yield running
            self.shares[name] = self.traffic.distinct_share
            say(f"{name}: ready after {ready_after:.1f} s, {running.megabytes:.0f} MB")

    def saturate(self, name: str, kind: Kind, running: Running) -> float:
        """Send as fast as it answers, with each number of clients; the best rate."""
        self._closed(kind, running, max(self.clients), WARM_UP)
        best = 0.0
        for clients in self.clients:
            sample = self._closed(kind, running, clients, self.seconds)
            self._keep(name, f"{clients} clients", sample)
            best = max(best, sample.rate)
        return best

    def pace(self, name: str, kind: Kind, running: Running, rate: float) -> None:
        """Send so many a second, however fast it answers."""
        requests = kind.prepare(self.traffic.take(int(rate * self.seconds)))
        self.traffic.used(len(requests))
        paced = partial(client.open_loop, rate=rate, bursty=self.bursty)
        sample = self._send(running, paced, requests, kind)
        self._keep(name, f"half load, {rate:.0f}/s", sample)

    def _closed(self, kind: Kind, running: Running, clients: int, seconds: float) -> Sample:
        requests = kind.prepare(self.traffic.take(int(kind.fastest * seconds)))
        closed = partial(client.closed_loop, clients=clients, seconds=seconds)
        sample = self._send(running, closed, requests, kind)
        self.traffic.used(len(sample.latencies) + sample.failed)
        return sample

    def _send(
        self, running: Running, loop: Callable[..., Sample], requests: list[bytes], kind: Kind
    ) -> Sample:
        before = running.cpu_seconds
        sample = self.process.submit(loop, running.ports, requests, mark=kind.mark).result()
        sample.cpu_seconds = running.cpu_seconds - before
        return sample

    def _keep(self, name: str, load: str, sample: Sample) -> None:
        self.rows.append((name, load, sample))
        say(f"{name}, {load}: {sample.rate:.0f}/s, p99 {sample.percentile(99):.1f} ms")

    def rate(self, name: str, clients: int) -> float:
        """What a server answered a second, with so many clients; 0 where it was not measured."""
        wanted = (name, f"{clients} clients")
        return next((sample.rate for *row, sample in self.rows if tuple(row) == wanted), 0.0)


def say(line: str) -> None:
    """Tell whoever waits; the tables alone go to standard output."""
    print(f"-- {line}", file=sys.stderr, flush=True)


def measure_flask(
    bench: Bench, name: str, kind: Kind, application: str, server: str | None
) -> None:
    """Measure an application under gunicorn on an empty database with borrowers."""
    with (
        tempfile.TemporaryDirectory(prefix="repayline-") as scratch,
        servers.database(Path(scratch), server) as url,
    ):
        engine = connect(url)
        load_borrowers(engine)
        engine.dispose()
        starting = servers.flask_server(application, url, Path(scratch))
        with bench.against(name, kind, starting) as running:
            best = bench.saturate(name, kind, running)
            if kind is REPAYLINE:
                bench.pace(name, kind, running, best / 2)


def measure_rasa(bench: Bench, processes: tuple[int, ...]) -> None:
    """Measure Rasa's own server, storing and not, with one process and with as many as we use."""
    with tempfile.TemporaryDirectory(prefix="repayline-") as scratch:
        say("Rasa: building a model with our classifier in it")
        archive = servers.train_rasa(current_model(PROJECT / "var" / "models"), Path(scratch))
        for kept, count in product((True, False), processes):
            name = f"Rasa × {count}, {'SQLite' if kept else 'in memory'}"
            server = servers.rasa_server(archive, count, kept=kept)
            with bench.against(name, RASA, server) as running:
                bench.saturate(name, RASA, running)


def print_tables(bench: Bench) -> None:
    """All that was measured, and the ratios, in Markdown."""
    heads = ["messages/s", "p50 ms", "p95 ms", "p99 ms", "CPU ms each", "with a reply", "failed"]
    print(f"\n| server | load | {' | '.join(heads)} |\n|---|---|{'---:|' * len(heads)}")
    for name, load, s in bench.rows:
        times = " | ".join(f"{s.percentile(p):.1f}" for p in (50, 95, 99))
        count = max(1, len(s.latencies))
        rest = f"{s.cpu_seconds / count * 1000:.1f} | {s.answered / count:.0%} | {s.failed}"
        print(f"| {name} | {load} | {s.rate:.0f} | {times} | {rest} |")
    names = list(dict.fromkeys(name for name, _, _ in bench.rows))
    head = " | ".join(f"{clients} clients" for clients in bench.clients)
    print(f"\n| Repayline beside | {head} |\n|---|{'---:|' * len(bench.clients)}")
    for ours in (name for name in names if name.startswith("Repayline")):
        for other in (name for name in names if not name.startswith("Repayline")):
            pairs = [(bench.rate(ours, n), bench.rate(other, n)) for n in bench.clients]
            ratios = " | ".join(f"{a / b:.2f} ×" if b else "-" for a, b in pairs)
            print(f"| {ours} / {other} | {ratios} |")


def print_circumstances(bench: Bench) -> None:
    """What one must know to read the figures."""
    load = os.getloadavg()[0]
    model = servers.describe_model(current_model(PROJECT / "var" / "models"))
    shares = ", ".join(f"{name} {share:.0%}" for name, share in bench.shares.items())
    print(f"""
{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}; {model}.
Texts: {bench.texts}; of them had not come before: {shares}.
Load average at the end {load:.1f}. Client and servers share the cores, and the client's part
grows with the rate: the faster a server, the more it is held back here. "CPU ms each" is what the
server's own processes spent, and moves least with what else the machine does.
Repayline and the bare view commit each message to disk before they answer. Rasa does so with its
SQL tracker store, and keeps its conversations in memory, lost at a restart, by default.""")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("--seconds", type=float, default=8.0, help="length of each measurement")
    add("--clients", type=int, nargs="+", default=[8, 32], help="clients at once (8 32)")
    add("--postgres", nargs="?", const=DEFAULT_SERVER, metavar="URL", help="measure on it too")
    add("--no-rasa", action="store_true", help="leave the peer out")
    add("--bursty", action="store_true", help="at half load: uneven gaps, as of independent people")
    add("--distinct", action="store_true", help="never send a text twice to the same server")
    add(
        "--texts",
        choices=("dialogues", "openings"),
        default="dialogues",
        help="what people write: dialogues, or nothing but openings, all different",
    )
    options = parser.parse_args()
    say("reading the texts")
    examples = PROJECT / "nlu_data" / "examples"
    if options.texts == "openings":
        lines = read_openings(examples)
    else:
        lines = read_dialogues(examples, PROJECT / "tests" / "bot" / "conversations")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        bench = Bench(
            clients=options.clients,
            seconds=options.seconds,
            bursty=options.bursty,
            distinct=options.distinct,
            texts=options.texts,
            lines=lines,
            process=process,
        )
        for label, server in {"SQLite": None, "PostgreSQL": options.postgres}.items():
            if label == "PostgreSQL" and server is None:
                continue
            bare = "benchmarks.bare:create_server()"
            measure_flask(bench, f"Repayline, {label}", REPAYLINE, "app:create_server()", server)
            measure_flask(bench, f"bare view, {label}", BARE, bare, server)
        if not options.no_rasa:
            measure_rasa(bench, (1, 2))
    print_tables(bench)
    print_circumstances(bench)


if __name__ == "__main__":
    main()
