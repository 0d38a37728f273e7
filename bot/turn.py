"""What crosses the dialogue's seam: a ``Turn`` goes in, an ``Outcome`` comes out.

All of it is plain, frozen data, so that a conversation can be replayed, tested as a transcript
and run against another model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from bot.effects import Effect
from bot.entities import Entities
from bot.nlu.understanding import Understanding
from bot.policy import Policy

Slots = dict[str, Any]
"""What a flow remembers between its steps; JSON values only."""

IDLE = "idle"
THEN = "then"
"""The step of an outcome that opened a gate: go on with what was asked first."""


@dataclass(frozen=True)
class Money:
    """An amount to be said, in its currency."""

    amount: Decimal
    currency: str


@dataclass(frozen=True)
class Days:
    """A number of days to be said."""

    count: int


@dataclass(frozen=True)
class ShortDay:
    """A day to be said without its year: it is so near that there can be no doubt."""

    day: date


@dataclass(frozen=True)
class Reply:
    """Something to say: a key of the catalogues and the values that it names.

    ``options`` are rendered below it as a menu, numbered from 1.
    """

    key: str
    values: Mapping[str, Any] = field(default_factory=dict)
    options: tuple[Reply, ...] = ()


def say(key: str, *options: Reply, **values: Any) -> Reply:
    """A reply, shortly written: ``say("balance.loan", balance=Money(…))``."""
    return Reply(key, values, options)


@dataclass(frozen=True)
class DueView:
    """One unpaid instalment: when it is, or was, due, and what of it is open."""

    due_on: date
    amount: Decimal
    planned: bool = False
    """It is a part of a plan."""


@dataclass(frozen=True)
class PromiseView:
    """A promise that stands open."""

    amount: Decimal
    due_on: date


@dataclass(frozen=True)
class AgreementView:
    """A plan, settlement or waiver that stands open."""

    kind: str
    amount: Decimal
    """What is to be paid in all."""
    forgiven: Decimal
    ends_on: date
    paid: Decimal = Decimal("0.00")
    """What has been paid on the loan since it was agreed."""


@dataclass(frozen=True)
class PaymentView:
    """Money that arrived lately."""

    loan_id: int
    amount: Decimal
    paid_on: date


@dataclass(frozen=True)
class CaseView:
    """A case that is open: under which number, about what, and until when it is answered."""

    case_number: str
    topic: str
    """dispute, already_paid or complaint."""
    answer_due_on: date
    loan_id: int | None = None


@dataclass(frozen=True)
class MethodView:
    """A way to pay that the borrower has saved: ``label`` is what a person knows it by."""

    id: int
    label: str


@dataclass(frozen=True)
class LoanView:
    """A loan as the dialogue sees it, on the borrower's own date."""

    id: int
    product: str
    reference: str
    currency: str
    balance: Decimal
    past_due: Decimal
    late_charges: Decimal
    due_on: date | None
    """When the oldest unpaid instalment is, or was, due; None when all of them are paid."""
    due_amount: Decimal
    """All that is past due, or else the instalment due next; late charges included."""
    days_overdue: int
    extensions: int
    disputed: bool
    """A case of any topic is open on it."""
    unpaid: tuple[DueView, ...] = ()
    """Oldest first."""
    extended_on: date | None = None
    """When more time was last granted."""
    plans: int = 0
    """How many plans there ever were."""
    promises_broken: int = 0
    promise: PromiseView | None = None
    agreement: AgreementView | None = None

    def money(self, amount: Decimal) -> Money:
        """An amount in this loan's currency."""
        return Money(amount, self.currency)


@dataclass(frozen=True)
class Also:
    """A second wish in the same message: what it is, and what its words name."""

    intent: str
    entities: Entities


@dataclass(frozen=True)
class Turn:
    """Everything that may decide what is said next. The clock is part of it."""

    text: str
    understanding: Understanding
    entities: Entities
    now: datetime
    today: date
    """The date in the borrower's zone."""
    policy: Policy
    country: str = "US"
    first_name: str | None = None
    """None for a number that belongs to no borrower."""
    timezone: str = "UTC"
    """The borrower's."""
    language: str = "en"
    """In which they are answered."""
    loans: tuple[LoanView, ...] = ()
    payments: tuple[PaymentView, ...] = ()
    """Of the last sixty days, newest first."""
    methods: tuple[MethodView, ...] = ()
    cases: tuple[CaseView, ...] = ()
    """Those that are open, newest first."""
    identity_answers: Mapping[str, str] = field(default_factory=dict)
    identity_misses: int = 0
    verified: bool = False
    opted_out: bool = False
    held: bool = False
    """A person holds the conversation."""
    has_media: bool = False
    loan: LoanView | None = None
    """The loan that was chosen, where a flow is about one."""
    also: Also | None = None

    @property
    def intent(self) -> str:
        """The label with the highest confidence."""
        return self.understanding.intent

    @property
    def is_clear(self) -> bool:
        """Whether the intent is sure enough to act on."""
        rules = self.policy.understanding
        least = rules.wrong_person if self.intent == "wrong_person" else rules.sure
        return self.understanding.confidence >= least


@dataclass(frozen=True)
class State:
    """Where the dialogue stands between two turns. Steps are stored by name."""

    step: str = IDLE
    slots: Slots = field(default_factory=dict)
    misses: int = 0
    parked: State | None = None
    """The flow that was interrupted, to be offered again."""
    later: Slots | None = None
    """A second wish of a message, taken up when the first is through."""

    @property
    def flow(self) -> str:
        """The name before the dot: ``extension`` of ``extension.choose``."""
        return self.step.partition(".")[0]

    def to_json(self) -> dict[str, Any]:
        """For the database."""
        parked = self.parked.to_json() if self.parked else None
        made = {"step": self.step, "slots": self.slots, "misses": self.misses, "parked": parked}
        return made if self.later is None else {**made, "later": self.later}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> State:
        """What ``to_json`` wrote; an empty mapping is the beginning."""
        if not data:
            return cls()
        parked = cls.from_json(data["parked"]) if data.get("parked") else None
        slots = dict(data["slots"])
        return cls(data["step"], slots, data["misses"], parked, data.get("later"))


@dataclass(frozen=True)
class Outcome:
    """What follows from a turn: the new state, what is said, what is done."""

    state: State
    replies: tuple[Reply, ...] = ()
    effects: tuple[Effect, ...] = ()


def ask(
    step: str, *replies: Reply, slots: Slots | None = None, effects: tuple[Effect, ...] = ()
) -> Outcome:
    """Stay in a flow, at ``step``, remembering ``slots``."""
    return Outcome(State(step, slots or {}), replies, effects)


def done(*replies: Reply, effects: tuple[Effect, ...] = ()) -> Outcome:
    """End the flow."""
    return Outcome(State(), replies, effects)
