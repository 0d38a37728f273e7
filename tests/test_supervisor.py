"""Starting everything: what stands in the way is said in one sentence."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import supervisor
from settings import PROJECT
from tests.fakes import make_settings


def start(directory: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """`python app.py`, which is meant to refuse."""
    return subprocess.run(
        [sys.executable, str(PROJECT / "app.py")],
        cwd=PROJECT,
        env={
            "PATH": os.environ["PATH"],
            "SECRET_KEY": "a-secret-for-tests",
            "DATABASE_URL": f"sqlite:///{directory / 'test.db'}",
            **environ,
        },
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody listens."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


@pytest.mark.parametrize("name", ["PORT", "SIMULATOR_PORT"])
def test_a_port_in_use_is_refused_before_anything_is_touched(
    tmp_path: Path, taken: int, name: str
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = str(probe.getsockname()[1])
    ran = start(tmp_path, **{"PORT": free, name: str(taken)})
    assert ran.returncode == 1
    assert ran.stderr == (
        f"Cannot start: port {taken} is in use: stop what runs there, or set {name} to another.\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"PORT": "eighty"}, "Cannot start: PORT is 'eighty': set it to a whole number.\n"),
        ({"SIMULATOR": "off"}, "Cannot start: TWILIO_AUTH_TOKEN is missing"),
        ({"POLICY_FILE": "none.toml"}, "Cannot start: POLICY_FILE "),
    ],
    ids=["senseless", "missing", "no policy"],
)
def test_a_senseless_setting_is_refused(
    tmp_path: Path, environ: dict[str, str], words: str
) -> None:
    ran = start(tmp_path, **environ)
    assert ran.returncode == 1
    assert ran.stderr.startswith(words)
    assert ran.stderr.count("\n") == 1


def test_a_process_that_ends_while_starting_is_named() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
        with pytest.raises(supervisor.StartError, match="web did not start"):
            supervisor._await_ready(make_settings(), {"web": ended}, [])


def test_stopping_ends_every_process() -> None:
    code = "import time; time.sleep(60)"
    running = {n: subprocess.Popen([sys.executable, "-c", code]) for n in ("web", "worker")}
    supervisor._stop(running)
    assert all(process.poll() is not None for process in running.values())


def test_the_simulator_starts_only_where_it_is_on() -> None:
    assert set(supervisor.commands(make_settings())) == {"web", "worker", "simulator"}
    live = make_settings(
        SIMULATOR="off",
        TWILIO_ACCOUNT_SID="AC1",
        TWILIO_AUTH_TOKEN="t",
        PUBLIC_URL="https://sms.lender.example",
    )
    assert set(supervisor.commands(live)) == {"web", "worker"}


def test_it_says_where_to_go(capsys: pytest.CaptureFixture[str]) -> None:
    supervisor._welcome(make_settings(PORT="9000"))
    said = capsys.readouterr().out
    for place in ("simulator", "console", "health"):
        assert f"http://localhost:9000/{place}/" in said
    assert "agent@repayline.example" in said
    assert "repayline-demo" in said
    assert "ctrl-C" in said
