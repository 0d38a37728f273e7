"""What the README says is so: its exchange, its commands, its paths and its settings."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

import demo
from bot import manager
from settings import PROJECT, as_table
from tests import builders
from tests.conftest import fresh_database
from tests.fakes import Clock, make_runtime

README = (PROJECT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```\n(.*?)```", README, re.DOTALL)
WRITTEN_ON = "2026-11-22T17:00:00"


def test_every_path_that_it_names_exists() -> None:
    named = set(re.findall(r"`([a-z_.][\w./-]*/[\w./-]*|[\w-]+\.(?:py|md|toml|po))`", README))
    words = {word for block in BLOCKS for word in block.split()}
    named |= {word for word in words if re.fullmatch(r"(bot|channels|webhooks)/[\w./]*", word)}
    assert len(named) > 15
    missing = [
        path
        for path in sorted(named)
        if not path.startswith("var/")  # made as the service runs, never kept in the repository
        and not (PROJECT / path).exists()
        and not list(PROJECT.glob(f"*/{path}"))
    ]
    assert missing == []


def test_its_table_of_folders_names_every_folder() -> None:
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=True
    ).stdout
    folders = {path.split("/")[0] for path in tracked.splitlines() if "/" in path}
    hidden = {folder for folder in folders if folder.startswith(".")} | {"scripts"}
    assert {f for f in folders - hidden if f"`{f}/`" not in README} == set()


def test_its_settings_are_those_of_the_code() -> None:
    between = README.split("<!-- settings -->\n")[1].split("\n<!-- /settings -->")[0]
    assert between == as_table()


def test_its_exchange_is_what_happens(
    tmp_path: Path, request: pytest.FixtureRequest, trained_reader: Any
) -> None:
    runtime = make_runtime(fresh_database("sqlite", tmp_path, request), clock=Clock(WRITTEN_ON))
    runtime.load_reader = lambda: trained_reader
    demo.load(runtime)
    heard: list[str] = []
    said = [line[2:] for line in BLOCKS[0].splitlines() if line.startswith("> ")]
    for number, text in enumerate(said):
        message = builders.inbound(text, f"SM{number}", to=demo.SENDER)
        replies = manager.receive(runtime, message).replies
        heard += [f"> {text}"]
        for reply in replies:
            heard += [("  " if n else "< ") + x for n, x in enumerate(reply.text.split("\n"))]
    assert "\n".join(heard) + "\n" == BLOCKS[0]
    runtime.engine.dispose()


def _flask_commands() -> list[str]:
    lines = [line for block in BLOCKS for line in block.splitlines()]
    lines += re.findall(r"`(\.venv/bin/flask [^`]+)`", README)
    return [line[line.index("flask ") :] for line in lines if "/flask " in line]


@pytest.mark.parametrize("line", sorted(set(_flask_commands())))
def test_its_commands_exist(line: str) -> None:
    words = shlex.split(line)[1:]
    path = [word for word in words if re.fullmatch(r"[a-z]+", word)]
    done = subprocess.run(
        [PROJECT / ".venv" / "bin" / "flask", *path, "--help"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for option in (word for word in words if word.startswith("--")):
        assert option in done.stdout
