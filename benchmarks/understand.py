"""What understanding a message costs, without a web server or a database.

.venv/bin/python benchmarks/understand.py
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


def resident_megabytes() -> float:
    """Memory of this process that is in use and not shared."""
    rollup = Path("/proc/self/smaps_rollup").read_text()
    private = (line.split()[1] for line in rollup.splitlines() if line.startswith("Private_"))
    return sum(map(int, private)) / 1024


def timed(call: Callable[[str], object], texts: list[str]) -> list[float]:
    """Milliseconds for each text, sorted."""
    times = []
    for text in texts:
        start = time.perf_counter()
        call(text)
        times.append((time.perf_counter() - start) * 1000)
    return sorted(times)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--texts", type=int, default=2000, help="how many different texts, at most 4000 (2000)"
    )
    options = parser.parse_args()
    memory, start = resident_megabytes(), time.perf_counter()

    from bot.nlu.reader import Reader
    from settings import PROJECT

    reader = Reader.load(PROJECT / "var" / "models")
    reader.understand("hello")
    loaded_in, memory = time.perf_counter() - start, resident_megabytes() - memory

    from benchmarks.traffic import read_dialogues, read_openings
    from bot.entities import extract
    from bot.nlu.language import detect

    examples = PROJECT / "nlu_data" / "examples"
    texts = [line.text for line in read_openings(examples)[: options.texts]]
    told = read_dialogues(examples, PROJECT / "tests" / "bot" / "conversations")
    day = [line.text for line in told[: 2 * options.texts]]
    entities = partial(extract, now=datetime.now(UTC), balance=Decimal("734.50"))
    print("| step | p50 ms | mean ms | p99 ms | a second |\n|---|---:|---:|---:|---:|")
    for name, call, said in (
        ("understand, text not seen before", reader.understand, texts),
        ("understand, text seen before", reader.understand, texts),
        ("understand, dialogues", Reader.load(PROJECT / "var" / "models").understand, day),
        ("of that: language", detect, texts),
        ("extract", entities, texts),
    ):
        times = timed(call, said)
        p50, p99 = times[len(times) // 2], times[int(len(times) * 0.99)]
        mean = sum(times) / len(times)
        print(f"| {name} | {p50:.3f} | {mean:.3f} | {p99:.3f} | {1000 / mean:.0f} |")
    print(
        f"\nLoaded in {loaded_in:.2f} s; {memory:.0f} MB private memory, of which the workers of "
        f"one server share what was loaded before the fork; {len(texts)} texts."
    )


if __name__ == "__main__":
    main()
