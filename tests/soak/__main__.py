"""``make soak``: a long random life of the whole application, with figures.

A failure is told with what led to it and with the seed that brings it back:
``python -m tests.soak --seed N --batches 1``.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, cast

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import Engine

from bot.nlu.reader import Reader
from bot.runtime import Reads
from settings import PROJECT
from tests.soak import databases
from tests.soak.machine import configured
from tests.soak.tally import Tally

BATCH = 25
"""Runs with one seed."""
LENGTH = 50


def profile(runs: int, *, length: int = LENGTH, shrink: bool = True) -> settings:
    """How Hypothesis runs the machine: the diary tells a failure better than its own words."""
    return settings(
        max_examples=runs,
        stateful_step_count=length,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink] if shrink else [Phase.generate],
        suppress_health_check=list(HealthCheck),
        print_blob=False,
        report_multiple_bugs=False,
        verbosity=Verbosity.quiet,
    )


def main() -> int:
    """Run, and tell."""
    asked = _arguments()
    tally, failed = Tally(), []
    began = time.monotonic()
    with ExitStack() as stack:
        places = [stack.enter_context(databases.sqlite()).fresh]
        url = databases.server()
        if url is not None:
            places.append(stack.enter_context(databases.postgresql(url)).fresh)
        model = _model() if asked.model else None
        numbers = range(asked.seed, asked.seed + asked.batches)
        for number in numbers:
            # Every tenth batch on PostgreSQL, every fifth with the trained model.
            place = places[-1] if number % 10 == 9 else places[0]
            reads = model if number % 5 == 4 else None
            if not _batch(number, place, tally, reads, shrink=asked.shrink):
                failed.append(number)
            rate = tally.steps / (time.monotonic() - began)
            told = f"{tally.steps} steps in {tally.runs} runs, {rate:.0f} steps/s"
            print(f"seed {number}: {told}, failures: {len(failed)}", flush=True)
            if tally.steps >= asked.steps or len(failed) >= asked.most_failures:
                break
    print(f"\n{tally.tables()}")
    print(f"\n{told}; failures: {', '.join(map(str, failed)) or 'none'}")
    return 1 if failed else 0


def _batch(
    number: int, fresh: Callable[[], Engine], tally: Tally, model: Reads | None, *, shrink: bool
) -> bool:
    tally.begin()
    machine = seed(number)(configured(fresh, tally, model))
    try:
        run_state_machine_as_test(machine, settings=profile(BATCH, shrink=shrink))
    except Exception:
        traceback.print_exc(limit=-6)
        print(f"to see it again: python -m tests.soak --seed {number} --batches 1", flush=True)
        return False
    return True


def _model() -> Reads | None:
    directory = PROJECT / "var" / "models"
    return cast(Reads, Reader.load(directory)) if (directory / "CURRENT").exists() else None


def _arguments() -> Any:
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--batches", type=int, default=10**6)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--model", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--shrink", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--most-failures", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
