"""`scripts/find-python`: a Python that fits, or a sentence that says what to do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from settings import PROJECT

BASH = "/bin/bash"


def find(
    home: Path, *args: str, path: str = "", **environ: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BASH, str(PROJECT / "scripts" / "find-python"), *args],
        env={"HOME": str(home), "PATH": path, **environ},
        capture_output=True,
        text=True,
        timeout=60,
    )


def pretend(path: Path, version: str) -> Path:
    """A program that says it is a Python of that version."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{BASH}\necho {version}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("app", "No Python 3.11 or 3.12 or 3.13 was found for the application: install one"),
        ("nlu", "No Python 3.10 was found for training with Rasa: install one"),
    ],
)
def test_when_there_is_none_it_says_so_in_one_sentence(
    tmp_path: Path, kind: str, words: str
) -> None:
    ran = find(tmp_path, kind)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith(words)
    assert ran.stderr.count("\n") == 1
    assert f"{'PYTHON' if kind == 'app' else 'PYTHON_NLU'}=/path/to/python" in ran.stderr


def test_the_one_that_is_named_is_used(tmp_path: Path) -> None:
    named = pretend(tmp_path / "mine", "3.12")
    ran = find(tmp_path, "app", str(named))
    assert (ran.returncode, ran.stdout) == (0, f"{named}\n")


@pytest.mark.parametrize("version", ["3.10", "3.14", "2.7", ""])
def test_one_that_is_named_and_does_not_fit_is_refused(tmp_path: Path, version: str) -> None:
    named = pretend(tmp_path / "mine", version)
    pretend(tmp_path / "bin" / "python3.12", "3.12")
    ran = find(tmp_path, "app", str(named), path=str(tmp_path / "bin"))
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == (
        f"PYTHON={named} is not a Python of version 3.11 or 3.12 or 3.13 with venv.\n"
    )


def test_one_on_the_path_is_found(tmp_path: Path) -> None:
    found = pretend(tmp_path / "bin" / "python3.13", "3.13")
    assert find(tmp_path, "app", path=str(tmp_path / "bin")).stdout == f"{found}\n"


def test_python3_is_found_where_it_fits(tmp_path: Path) -> None:
    found = pretend(tmp_path / "bin" / "python3", "3.12")
    assert find(tmp_path, "app", path=str(tmp_path / "bin")).stdout == f"{found}\n"
    assert find(tmp_path, "nlu", path=str(tmp_path / "bin")).returncode == 1


def test_one_of_pyenv_is_found(tmp_path: Path) -> None:
    found = pretend(tmp_path / ".pyenv" / "versions" / "3.10.14" / "bin" / "python", "3.10")
    assert find(tmp_path, "nlu").stdout == f"{found}\n"
    moved = pretend(tmp_path / "else" / "versions" / "3.10.9" / "bin" / "python", "3.10")
    assert find(tmp_path, "nlu", PYENV_ROOT=str(tmp_path / "else")).stdout == f"{moved}\n"


def test_one_that_cannot_make_environments_is_passed_over(tmp_path: Path) -> None:
    broken = pretend(tmp_path / "bin" / "python3.11", "3.11")
    broken.write_text(f"#!{BASH}\nexit 1\n")
    good = pretend(tmp_path / "bin" / "python3.12", "3.12")
    assert find(tmp_path, "app", path=str(tmp_path / "bin")).stdout == f"{good}\n"


def test_the_python_of_the_tests_fits(tmp_path: Path) -> None:
    assert find(tmp_path, "app", sys.executable).stdout.strip() == sys.executable
