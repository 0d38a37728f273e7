"""The servers that are measured: ours, the bare view, and Rasa's own with the same model."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from bot.nlu.classifier import ENCODER_FOLDER
from bot.nlu.understanding import INTENTS
from settings import PROJECT, Settings, database_address
from supervisor import commands

PUBLIC_URL = "https://sms.lender.example"
ACCOUNT, TOKEN = "AC0123456789abcdef0123456789abcdef", "token-of-the-benchmark"
RASA = PROJECT / ".venv-nlu" / "bin" / "python"
READY_WITHIN = 120
Starting = AbstractContextManager["Running"]


@dataclass(frozen=True)
class Running:
    """Server processes that listen."""

    ports: tuple[int, ...]
    pids: tuple[int, ...]

    @property
    def megabytes(self) -> float:
        """Memory of all its processes; what they share is counted once (proportional set size)."""
        return sum(map(_proportional_set, self._family())) / 1024

    @property
    def cpu_seconds(self) -> float:
        """Time that its processes have spent on a core so far."""
        return sum(map(_ticks, self._family())) / os.sysconf("SC_CLK_TCK")

    def _family(self) -> list[int]:
        return [member for pid in self.pids for member in (pid, *_children(pid))]


def _children(pid: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True)
    return [int(child) for child in found.stdout.split()]


def _proportional_set(pid: int) -> int:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))


def _ticks(pid: int) -> int:
    # The name in parentheses may hold blanks; utime and stime are fields 14 and 15.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def database(directory: Path, server: str | None) -> Iterator[str]:
    """An empty database: a SQLite file, or one of its own on a PostgreSQL server."""
    if server is None:
        yield f"sqlite:///{directory / 'benchmark.db'}"
        return
    url = make_url(database_address("--postgres", server))
    name = f"repayline_benchmark_{os.getpid()}"
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
        engine.dispose()


@contextmanager
def flask_server(application: str, database_url: str, directory: Path) -> Iterator[Running]:
    """An application under gunicorn, just as `python app.py` runs the real one."""
    port = free_port()
    environ = {
        "DATABASE_URL": database_url,
        "JOBS_URL": f"sqlite:///{directory / 'jobs.db'}",
        "LOG_LEVEL": "ERROR",
        "PORT": str(port),
        "PUBLIC_URL": PUBLIC_URL,
        "SECRET_KEY": "a-secret-for-benchmarks",
        "SIMULATOR": "off",
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_API_URL": "http://127.0.0.1:9",
        "TWILIO_AUTH_TOKEN": TOKEN,
    }
    command = commands(Settings.from_env({**os.environ, **environ}))["web"]
    command[command.index("app:create_server()")] = application
    with _processes([command], [port], PROJECT, environ, directory / "flask.log") as running:
        yield running


@contextmanager
def rasa_server(archive: Path, processes: int, *, kept: bool) -> Iterator[Running]:
    """Rasa's own server with its REST channel, a process a port.

    With ``kept`` its conversations go to SQLite by its own SQL tracker store, a database a
    process, which spares it waiting for a lock; otherwise they live in memory, its default.
    """
    ports = [free_port() for _ in range(processes)]
    credentials = archive.with_name("credentials.yml")
    credentials.write_text("rest:\n")
    run = [str(RASA), "-W", "ignore", "-m", "rasa", "run", "--model", str(archive)]
    run += ["--credentials", str(credentials), "--interface", "127.0.0.1", "--port"]
    commands = []
    for port in ports:
        endpoints = archive.with_name(f"endpoints-{port}.yml")
        database = archive.with_name(f"rasa-{port}.db")
        store = {"type": "SQL", "dialect": "sqlite", "db": str(database)}
        endpoints.write_text(yaml.safe_dump({"tracker_store": store} if kept else {}))
        commands.append([*run, str(port), "--endpoints", str(endpoints)])
    log = archive.with_name("rasa.log")
    with _processes(commands, ports, archive.parent, _rasa_environ(), log) as running:
        yield running


def train_rasa(model: Path, directory: Path) -> Path:
    """A Rasa model that answers every intent by a rule, with our trained NLU model inside."""
    rules = [
        {"rule": name, "steps": [{"intent": name}, {"action": f"utter_{name}"}]} for name in INTENTS
    ]
    answer = (
        "Hi Maya, your personal loan stands at $734.50, of which $134.50 has been due since "
        "November 13. Reply PAY for a payment link or HELP for more."
    )
    files = {
        "config.yml": {
            "recipe": "default.v1",
            "assistant_id": "benchmark",
            "language": "en",
            "pipeline": [
                {"name": "nlu_data.components.NormalisingTokenizer"},
                {
                    "name": "nlu_data.components.EncoderFeaturizer",
                    "encoder": str(model / ENCODER_FOLDER),
                },
                {"name": "benchmarks.rasa_classifier.TrainedClassifier", "model": str(model)},
            ],
            "policies": [{"name": "RulePolicy"}],
        },
        "domain.yml": {
            "version": "3.1",
            "intents": list(INTENTS),
            "responses": {f"utter_{name}": [{"text": answer}] for name in INTENTS},
        },
        "data/rules.yml": {"version": "3.1", "rules": rules},
        "data/nlu.yml": {
            "version": "3.1",
            "nlu": [{"intent": n, "examples": f"- {n} one\n- {n} two\n"} for n in INTENTS],
        },
    }
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump(content, sort_keys=False))
    command = [str(RASA), "-W", "ignore", "-m", "rasa", "train", "--data", "data"]
    command += ["--out", str(directory), "--fixed-model-name", "peer"]
    done = subprocess.run(
        command,
        cwd=directory,
        env={**os.environ, **_rasa_environ()},
        capture_output=True,
        text=True,
        timeout=READY_WITHIN,
    )
    archive = directory / "peer.tar.gz"
    if not archive.exists():
        raise RuntimeError(f"Rasa did not train:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return archive


def _rasa_environ() -> dict[str, str]:
    return {
        "PYTHONPATH": str(PROJECT),
        "RASA_TELEMETRY_ENABLED": "false",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "LOG_LEVEL": "ERROR",
    }


@contextmanager
def _processes(
    commands: Sequence[list[str]],
    ports: Sequence[int],
    directory: Path,
    environ: dict[str, str],
    log: Path,
) -> Iterator[Running]:
    with ExitStack() as stack, log.open("ab") as output:
        children = []
        for command in commands:
            child = subprocess.Popen(
                command,
                cwd=directory,
                env={**os.environ, **environ},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            stack.callback(_stop, child)
            children.append(child)
        for child, port in zip(children, ports, strict=True):
            _await(child, port, log)
        pids = tuple(child.pid for child in children)
        yield Running(tuple(ports), pids)


def _await(child: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise RuntimeError(f"a server ended by itself:\n{log.read_text()[-3000:]}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"a server did not answer in {READY_WITHIN} s; see {log}")


def _stop(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGTERM)
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def describe_model(model: Path) -> str:
    """One line about the model that all of them serve."""
    card = json.loads((model / "card.json").read_text("utf-8"))
    return f"model {model.name}, {card['examples']} examples, {card['encoder']}"
