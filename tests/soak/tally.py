"""What the runs reached: intents, states, effects, replies, counted and told as tables."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from bot.flows import FLOWS
from bot.turn import IDLE
from tests.soak.world import World


@dataclass
class Tally:
    """Counts over many runs."""

    steps: int = 0
    runs: int = 0
    met: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often an intent met a state."""
    effects: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often a state led to an effect."""
    replies: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    """What was in the tables at the end of a run: by table and status."""
    _is_shrinking: bool = False

    def begin(self) -> None:
        """Another batch."""
        self._is_shrinking = False

    def add(self, world: World, *, broken: bool = False) -> None:
        """Count one run; after a broken one only smaller forms of it follow, which do not count."""
        if self._is_shrinking:
            return
        self._is_shrinking = broken
        self.runs += 1
        self.steps += world.network.step
        at: dict[int, str] = {}
        by_id = world.rows.by_id["messages"]
        for message_id, read in sorted(world.rows.read.items()):
            if not read:
                continue
            conversation = by_id[message_id].conversation_id
            state = at.get(conversation, IDLE)
            self.met[read["intent"], state] += 1
            for effect in read["effects"] or ["-"]:
                self.effects[effect, state] += 1
            self.replies.update(read["replies"])
            at[conversation] = read["step"]
        for table in ("messages", "promises", "agreements", "cases"):
            self.rows.update(f"{table} {row.status}" for row in world.rows[table])
        self.rows.update(
            f"messages blocked: {row.reason}"
            for row in world.rows["messages"]
            if row.status == "blocked"
        )
        for table in ("extensions", "payments", "payment_links", "handoffs", "consent_events"):
            self.rows[table] += len(world.rows[table])

    def states(self) -> list[str]:
        """Idle and every step of every flow, whether reached or not."""
        return [IDLE, *(f"{flow.name}.{step}" for flow in FLOWS for step in flow.steps)]

    def tables(self) -> str:
        """All of it, for people."""
        states = self.states()
        parts = [
            _table("intent × state met", self.met, states),
            _table("effect × state it came from", self.effects, states),
            _list("replies", self.replies),
            _list("rows at the end of the runs", self.rows),
        ]
        never = [s for s in states if not any(state == s for _, state in self.met)]
        parts.append(f"states never met: {', '.join(never) or 'none'}")
        return "\n\n".join(parts)


def _table(title: str, counts: Counter[tuple[str, str]], states: list[str]) -> str:
    names = sorted({name for name, _ in counts})
    heads = [_short(state) for state in states]
    lines = [title, f"{'':18}" + "".join(f"{head:>10}" for head in heads)]
    for name in names:
        cells = "".join(f"{counts[name, state] or '':>10}" for state in states)
        lines.append(f"{name[:17]:18}{cells}")
    return "\n".join(lines)


def _short(state: str) -> str:
    flow, _, step = state.partition(".")
    return f"{flow[:4]}.{step[:4]}" if step else flow


def _list(title: str, counts: Counter[Any]) -> str:
    lines = [title]
    lines += [f"  {count:8} {name}" for name, count in sorted(counts.items(), key=str)]
    return "\n".join(lines)
