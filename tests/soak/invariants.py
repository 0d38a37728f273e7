"""What must hold after every step, whatever happened: each a function from a step to complaints.

They look at the rows and at what the provider took, never into the code that wrote them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale

from bot.dialog import open_step
from bot.flows import BY_INTENT
from bot.policy import Policy
from bot.replies import LANGUAGES, formatting_locale, segments
from bot.turn import IDLE, Money, ShortDay, State
from tests.fakes import CATALOGUES
from tests.soak.network import ARRIVES, Network, Taken
from tests.soak.rows import Rows


class Broken(AssertionError):
    """An invariant does not hold; ``name`` says which."""

    def __init__(self, name: str, complaint: str) -> None:
        super().__init__(f"{name}: {complaint}")
        self.name = name


@cache
def kind(name: str) -> type[Broken]:
    """An exception of the invariant's own, so that shrinking does not slip to another's."""
    return type(name, (Broken,), {})


@dataclass(frozen=True)
class Step:
    """The rows before and after something happened, and what the world knows besides."""

    number: int
    before: Rows
    after: Rows
    now: datetime
    policy: Policy
    network: Network
    written: Mapping[str, int]
    """At which step people wrote, by the provider's id."""
    opening: Mapping[int, Decimal]
    """What was owed on each loan at first, with what the lender's system added since."""
    money_in: Mapping[int, Decimal]
    """The shadow ledger: what was paid on each loan, as the payers know it."""
    trusted: frozenset[int] = frozenset()
    """Conversations in which a payment link was texted while nothing was asked."""
    alarms: tuple[str, ...] = ()
    """Errors that the application reported, besides those that were staged."""

    def fresh(self) -> tuple[Taken, ...]:
        """What the provider took in this step."""
        return tuple(t for t in self.network.taken if t.step == self.number)


Invariant = Callable[[Step], Iterator[str]]
INVARIANTS: dict[str, Invariant] = {}


def invariant(function: Invariant) -> Invariant:
    """Enter it in the table."""
    INVARIANTS[function.__name__] = function
    return function


def check(step: Step) -> None:
    """Hold a step against all of them.

    Raises:
        Broken: the first that does not hold.

    """
    for name, function in INVARIANTS.items():
        for complaint in function(step):
            raise kind(name)(name, complaint)


def keys_of(message: Any) -> frozenset[str]:
    """The reply keys that an outbound row is made of."""
    return frozenset((message.reply_key or "").split())


CONFIRMATION = "consent.stopped"
HEARD_ALWAYS = frozenset({CONFIRMATION, "crisis.helpline"})
"""A cry for help in the same message as an opt-out may be answered in the confirmation's text."""


@invariant
def nothing_after_an_opt_out_but_one_confirmation(step: Step) -> Iterator[str]:
    """Opt-outs silence a number.

    Whatever the provider takes for a number that, in that very moment, is opted out in our books
    is the confirmation, and answers the message that opted it out; there is one for each opt-out
    at most. An opt-out by a text of the borrower's has one, unless the provider has given it.
    """
    messages = step.after.by_id["messages"]
    for taken in step.fresh():
        row = messages[taken.message_id]
        if taken.opted_out and not (CONFIRMATION in keys_of(row) and keys_of(row) <= HEARD_ALWAYS):
            yield f"message {row.id} ({row.reply_key}) went to a number that has opted out"
    causes = {e.message_id for e in step.after["consent_events"] if e.kind == "opt_out"}
    confirmed: Counter[int] = Counter()
    for row in step.after["messages"]:
        if CONFIRMATION in keys_of(row) and row.status != "blocked":
            if row.in_reply_to_id not in causes:
                yield f"confirmation {row.id} answers no opt-out"
            confirmed[row.in_reply_to_id or 0] += 1
    if any(count > 1 for count in confirmed.values()):
        yield "an opt-out was confirmed twice"
    for event in step.after.new("consent_events", step.before):
        if event.kind == "opt_out" and event.source in ("keyword", "model", "confirmed"):
            yield from _lacks_confirmation(step, event, confirmed)


def _lacks_confirmation(step: Step, event: Any, confirmed: Counter[int]) -> Iterator[str]:
    cause = step.after.by_id["messages"][event.message_id]
    was = step.before.by_id["phones"].get(event.phone_id)
    silent = was is not None and (was.opted_out_at is not None or was.barred_at is not None)
    others = sum(
        e.phone_id == event.phone_id for e in step.after.new("consent_events", step.before)
    )
    if not (silent or cause.opt_out_type or confirmed[event.message_id] or others > 1):
        yield f"the opt-out by message {cause.id} was not confirmed"


@invariant
def nothing_to_a_barred_number_but_the_apology(step: Step) -> Iterator[str]:
    """A wrong or dead number gets no text; the apology for a wrong one is the last."""
    for taken in step.fresh():
        row = step.after.by_id["messages"][taken.message_id]
        if taken.barred and keys_of(row) != {"wrong_person.sorry"}:
            yield f"message {row.id} ({row.reply_key}) went to a barred number"


FIGURE = re.compile(r"\d[.,]\d\d(?!\d)|[$€£¥￥]\s?\d|/pay/")
"""A sum of money, or the link to pay one."""


@invariant
def no_figure_before_verification(step: Step) -> Iterator[str]:
    """No sum of money goes to somebody who has not shown who they are, where the policy asks.

    An answer needs a verification that holds when it is written; a text that the line sends by
    itself (a receipt, a follow-up), one that was given at some time, or a payment link that was
    texted while the policy asked for none.
    """
    if not step.policy.identity.ask:
        return
    for row in step.after.new("messages", step.before):
        if row.direction != "outbound" or row.status == "blocked" or not FIGURE.search(row.body):
            continue
        until = step.after.by_id["conversations"][row.conversation_id].verified_until
        if row.in_reply_to_id is None and row.conversation_id in step.trusted:
            continue
        if until is None:
            yield f"message {row.id} ({row.reply_key}) says a sum to somebody never verified"
        elif row.in_reply_to_id is not None and until <= row.created_at:
            yield f"message {row.id} ({row.reply_key}) says a sum after verification ran out"


@invariant
def nobody_shows_twice_who_they_are(step: Step) -> Iterator[str]:
    """While a verification holds, its question is not put again."""
    for row in step.after.new("messages", step.before):
        if row.direction != "outbound" or not any(k.startswith(ASKS_WHO) for k in keys_of(row)):
            continue
        until = step.after.by_id["conversations"][row.conversation_id].verified_until
        if until is not None and until > row.created_at:
            yield f"message {row.id} asks who they are, which is known"


ENDED = frozenset({"blocked", "failed", "canceled", "delivered", "read"})
ASKS_WHO = "identity.ask_"
SILENT_REASONS = frozenset({"opted_out"})
"""Why the guard may keep an answer back without a person's having to see it."""


@invariant
def each_message_is_answered_once_or_in_an_agents_hands(step: Step) -> Iterator[str]:
    """An inbound message has one outbound row, or a reason to have none.

    A processed one: exactly one row answers it; or none, because the provider answered by itself,
    the number had opted out, or a person had the conversation. An answer that the guard kept back
    or that could not be delivered is none, unless the number has opted out. One whose turn failed
    is due to be tried again, or a person was asked for. Nobody gets two texts for one message.
    """
    for row in step.after["messages"]:
        if row.direction != "inbound":
            continue
        answers = step.after.answers.get(row.id, [])
        said = [answer for answer in answers if answer.status != "blocked"]
        if len(said) > 1:
            yield f"message {row.id} has {len(said)} answers"
        was = step.before.by_id["messages"].get(row.id)
        if was is not None and was.status == row.status and was.attempts == row.attempts:
            continue
        if row.status == "unprocessed":
            if row.retry_at is None and not _handed_off(step, row, own=True):
                yield f"message {row.id} failed for good, and no person knows"
            if answers:
                yield f"message {row.id} failed, and was answered"
        elif row.status == "processed":
            yield from _unanswered(step, row, answers)
        else:
            yield f"message {row.id} is left as {row.status}"
    yield from _undelivered(step)
    arrived = Counter(t.message_id for t in step.network.taken if t.fate in ARRIVES)
    for taken in step.fresh():
        if arrived[taken.message_id] > 1:
            yield f"message {taken.message_id} reached the phone {arrived[taken.message_id]} times"


def _undelivered(step: Step) -> Iterator[str]:
    """Answers that were on their way, and will not arrive any more."""
    for was in step.before["messages"]:
        if was.in_reply_to_id is None or was.status in ENDED:
            continue
        row = step.after.by_id["messages"][was.id]
        silent = step.after.phone_of(row).opted_out_at is not None
        lost = row.status in ("blocked", "failed", "canceled")
        if lost and not silent and not _handed_off(step, row):
            yield f"answer {row.id} is {row.status} ({row.reason}), and nobody knows"


def _unanswered(step: Step, row: Any, answers: list[Any]) -> Iterator[str]:
    if any(a.status != "blocked" or a.reason in SILENT_REASONS for a in answers):
        return
    if answers and not _handed_off(step, row):
        yield f"the answer to message {row.id} was blocked ({answers[0].reason}), and nobody knows"
    if answers:
        return
    phone = step.after.phone_of(row)
    before = step.before.by_id["phones"].get(phone.id)
    opted_out = phone.opted_out_at is not None or (before is not None and before.opted_out_at)
    if not (row.opt_out_type or opted_out or _handed_off(step, row)):
        yield f"message {row.id} was not answered, and no person has it"


def _handed_off(step: Step, row: Any, *, own: bool = False) -> bool:
    """Whether a person has the conversation, or was asked for; ``own``: by this very message."""
    if any(h.message_id == row.id for h in step.after["handoffs"]):
        return True
    conversation = row.conversation_id
    held = any(
        rows.by_id["conversations"][conversation].held_by == "agent"
        for rows in (step.before, step.after)
        if conversation in rows.by_id["conversations"]
    )
    waits = any(
        h.conversation_id == conversation and h.closed_at is None for h in step.after["handoffs"]
    )
    return not own and (held or waits)


@cache
def _locales(locale: str, country: str) -> tuple[Locale, ...]:
    return tuple({formatting_locale(name, country) for name in (locale, *LANGUAGES)})


def _says(body: str, borrower: Any, value: Money | date) -> bool:
    """Whether a text holds an amount or a day, as any language writes it for this borrower."""
    forms = (value,) if isinstance(value, Money) else (value, ShortDay(value))
    return any(
        _written(form, str(where)) in body
        for where in _locales(borrower.locale, borrower.country)
        for form in forms
    )


@cache
def _written(value: Money | date | ShortDay, locale: str) -> str:
    from bot.replies import _written as written

    return written(value, Locale.parse(locale))


AGREED = ("promises", "extensions", "agreements")


@invariant
def no_agreement_without_a_confirmation(step: Step) -> Iterator[str]:
    """Whoever is bound has read what binds them, and has said yes to it.

    Each new promise, extension and agreement names an inbound message of its own borrower's; that
    message chose the first entry or was a plain yes; the last text of the conversation before its
    turn holds the very amount and day that are now agreed, and had left us, in a response or by a
    call, before the message was written. (Of a response that got lost nobody can know as yet.)
    """
    for table in AGREED:
        for made in step.after.new(table, step.before):
            yield from (f"{table} {made.id}: {why}" for why in _unconfirmed(step, table, made))


def _unconfirmed(step: Step, table: str, made: Any) -> Iterator[str]:
    message = step.after.by_id["messages"].get(made.message_id)
    loan = step.after.by_id["loans"][made.loan_id]
    if message is None or message.direction != "inbound":
        yield "no message of the borrower's confirmed it"
        return
    borrower_id = step.after.phone_of(message).borrower_id
    if borrower_id != loan.borrower_id:
        yield "somebody else confirmed it"
        return
    read = step.after.read.get(message.id) or {}
    option = (read.get("entities") or {}).get("option")
    if not (option == 1 or (option is None and read.get("intent") == "affirm")):
        yield f"message {message.id} is no yes: {read.get('intent')}, option {option}"
    last = _text_before(step, message)
    if last is None or last.status == "blocked":
        yield f"message {message.id} followed no text of ours"
        return
    was = step.before.by_id["messages"].get(last.id)
    handed = [t.step for t in step.network.taken if t.message_id == last.id]
    late = bool(handed) and min(handed) >= step.written[message.external_id]
    if was is None or was.status == "queued" or late:
        yield f"message {message.id} was written before text {last.id} had left us"
    borrower = step.after.by_id["borrowers"][borrower_id]
    for value in _terms(step, table, made, loan.currency):
        if not _says(last.body, borrower, value):
            yield f"text {last.id} ({last.reply_key}) did not read back {value}"


def _text_before(step: Step, message: Any) -> Any:
    """The last answer in the conversation before a message's own turn."""
    own = step.after.answers.get(message.id, [])
    limit = own[0].id if own else float("inf")
    earlier = [
        row
        for row in step.after["messages"]
        if row.direction == "outbound"
        and row.conversation_id == message.conversation_id
        and row.id < limit
        and row.in_reply_to_id is not None
    ]
    return earlier[-1] if earlier else None


def _terms(step: Step, table: str, made: Any, currency: str) -> Iterator[Money | date]:
    """The amounts and days of what was agreed, as the borrower must have read them."""
    soon = step.now.date() + timedelta(days=1)  # a day so near may be called today
    if table == "promises":
        yield Money(made.amount, currency)
        if made.due_on > soon:
            yield made.due_on
    elif table == "extensions":
        moved = [
            part
            for part in step.after["instalments"]
            if part.loan_id == made.loan_id
            and part.due_on == made.new_due_on
            and step.before.by_id["instalments"][part.id].due_on != made.new_due_on
        ]
        was = step.before.by_id["loans"][made.loan_id].late_charges
        if moved:
            due = sum((part.amount - part.paid for part in moved), was)
            yield Money(due + made.fee, currency)
        yield made.new_due_on
    elif made.kind == "plan":
        for part in step.after["instalments"]:
            if part.agreement_id == made.id:
                yield Money(part.amount, currency)
                if part.due_on > soon:
                    yield part.due_on
    else:
        yield Money(made.amount, currency)
        yield Money(made.forgiven, currency)
        yield made.ends_on


@invariant
def no_two_open_agreements_that_contradict(step: Step) -> Iterator[str]:
    """On one loan at most one agreement stands open, and the promises of one message at most.

    While an agreement is open, no other and no extension is made; what is agreed replaces a
    promise given before, as it speaks of the same money; and a promise given while an agreement
    can still be kept is not for a later day than the agreement wants.
    """
    promises = [p for p in step.after["promises"] if p.status == "open"]
    given = {(p.loan_id, p.message_id) for p in promises}
    for name, words in (
        ("agreements", Counter(a.loan_id for a in step.after["agreements"] if a.status == "open")),
        ("promises", Counter(loan_id for loan_id, _ in given)),
    ):
        for loan_id in (loan_id for loan_id, count in words.items() if count > 1):
            yield f"loan {loan_id} has {words[loan_id]} {name} on the same money"
    was = {a.loan_id: a for a in step.before["agreements"] if a.status == "open"}
    for table in ("extensions", "agreements"):
        for made in step.after.new(table, step.before):
            if made.loan_id in was and _is_open(step, was[made.loan_id]):
                yield f"{table} {made.id} was made beside agreement {was[made.loan_id].id}"
            for promise in promises:
                if made.loan_id == promise.loan_id and promise.id in step.before.by_id["promises"]:
                    yield f"promise {promise.id} stands beside {table} {made.id}, made later"
    for promise in step.after.new("promises", step.before):
        agreement = was.get(promise.loan_id)
        near = [step.now.date() + timedelta(days=n) for n in (-1, 1)]
        if agreement is None or agreement.ends_on < near[0]:
            continue
        if promise.due_on > max(agreement.ends_on, near[1]):
            yield f"promise {promise.id} is for a day after agreement {agreement.id}"


def _is_open(step: Step, agreement: Any) -> bool:
    return bool(step.after.by_id["agreements"][agreement.id].status == "open")


@invariant
def money_adds_up(step: Step) -> Iterator[str]:
    """To the minor unit: owed = owed at first + fees - forgiven - paid; booked = paid in.

    What was paid in is the shadow ledger's, kept by those who paid; what exceeds the debt is
    written down as unallocated. A plan's parts are its amount.
    """
    rows = step.after
    booked: Counter[int] = Counter()
    expected = dict(step.opening)
    for extension in rows["extensions"]:
        expected[extension.loan_id] += extension.fee
    for agreement in rows["agreements"]:
        if agreement.status == "kept":
            expected[agreement.loan_id] -= agreement.forgiven
    for payment in rows["payments"]:
        expected[payment.loan_id] -= payment.amount - payment.unallocated
        booked[payment.loan_id] += payment.amount
    for loan_id, owed in rows.owed.items():
        if owed != expected[loan_id]:
            yield f"loan {loan_id}: {owed} is owed, {expected[loan_id]} follows from its history"
        if booked[loan_id] != step.money_in.get(loan_id, 0):
            yield f"loan {loan_id}: {step.money_in[loan_id]} was paid, {booked[loan_id]} is booked"
    for plan in rows.new("agreements", step.before):
        parts = sum(p.amount for p in rows["instalments"] if p.agreement_id == plan.id)
        if plan.kind == "plan" and parts != plan.amount:
            yield f"plan {plan.id} is of {plan.amount}, its parts of {parts}"


@invariant
def balances_are_never_negative(step: Step) -> Iterator[str]:
    """No instalment is paid beyond its amount, nothing is forgiven beyond what is owed.

    Money is left over only where nothing more is owed in that moment.
    """
    for loan in step.after["loans"]:
        if loan.late_charges < 0 or step.after.owed[loan.id] < 0:
            yield f"loan {loan.id} is below nothing"
    for part in step.after["instalments"]:
        if not 0 <= part.paid <= part.amount:
            yield f"instalment {part.id}: {part.paid} paid of {part.amount}"
    for payment in step.after.new("payments", step.before):
        if not 0 <= payment.unallocated <= payment.amount:
            yield f"payment {payment.id}: {payment.unallocated} left over of {payment.amount}"
        if payment.unallocated > 0 and step.after.owed[payment.loan_id] > 0:
            yield f"payment {payment.id} left something over while something is owed"


LEDGERS = ("consent_events", "lender_events", "payments", "extensions")


@invariant
def ledgers_only_grow(step: Step) -> Iterator[str]:
    """Consent, events, payments and extensions are only ever added; what was said stays said."""
    for table in LEDGERS:
        if step.after[table][: len(step.before[table])] != step.before[table]:
            yield f"{table} was changed"
    for row in step.before["payment_events"]:
        now = step.after.by_id["payment_events"].get(row.id)
        # A page and a charge have a life of their own; what was reported stands.
        if now is None or (row.kind not in ("page", "charge") and now != row):
            yield f"payment event {row.id} was changed"
    for row in step.before["messages"]:
        now = step.after.by_id["messages"].get(row.id)
        if now is None or _said(now) != _said(row):
            yield f"message {row.id} was changed or deleted"


def _said(row: Any) -> tuple[Any, ...]:
    return (row.conversation_id, row.direction, row.body, row.in_reply_to_id, row.created_at)


FORWARD: dict[str, dict[str, set[str]]] = {
    "messages": {
        "received": {"processed", "unprocessed"},
        "unprocessed": {"processed"},
        # A text that was not taken, or not delivered, waits to be sent again.
        "queued": {"sending", "sent", "delivered", "read", "blocked", "failed", "canceled"},
        "sending": {"queued", "sent", "delivered", "read", "failed", "canceled", "blocked"},
        "sent": {"queued", "delivered", "read", "failed", "canceled"},
        "delivered": {"read"},
    },
    "promises": {"open": {"kept", "broken", "replaced"}},
    "agreements": {"open": {"kept", "broken", "canceled"}},
    "cases": {"open": {"closed"}},
}
"""From which status to which a row may go; no others."""


@invariant
def statuses_never_move_backwards(step: Step) -> Iterator[str]:
    """Rows go forward only, and what has ended stays ended."""
    for table in FORWARD:
        for row in step.before[table]:
            now = step.after.by_id[table].get(row.id)
            # In one step of ours several things may happen one after the other.
            if now is not None and now.status not in _reachable(table, row.status):
                yield f"{table} {row.id} went from {row.status} to {now.status}"
    for table, column in (("handoffs", "closed_at"), ("payment_links", "paid_at")):
        for row in step.before[table]:
            now = step.after.by_id[table][row.id]
            if getattr(row, column) not in (None, getattr(now, column)):
                yield f"{table} {row.id}: {column} was changed"


@cache
def _reachable(table: str, status: str) -> frozenset[str]:
    found = {status}
    todo = [status]
    while todo:
        for following in FORWARD[table].get(todo.pop(), ()):
            if following not in found:
                found.add(following)
                todo.append(following)
    return frozenset(found)


@invariant
def states_can_always_be_taken_up(step: Step) -> Iterator[str]:
    """The stored state loads, its step and the parked one exist, and its loan is the borrower's."""
    loans = step.after.by_id["loans"]
    for row in step.after["conversations"]:
        was = step.before.by_id["conversations"].get(row.id)
        if was is not None and was.state == row.state:
            continue
        state: State | None = State.from_json(row.state)
        if state is not None and state.misses >= 3:
            yield f"conversation {row.id} counts {state.misses} misses, and no person has it"
        while state is not None:
            if state.step != IDLE and open_step(state) is None:
                yield f"conversation {row.id} is at {state.step}, which does not exist"
            loan = loans.get(state.slots.get("loan", 0))
            borrower_id = step.after.by_id["phones"][row.phone_id].borrower_id
            if loan is not None and loan.borrower_id != borrower_id:
                yield f"conversation {row.id} is about somebody else's loan"
            intent = (state.slots.get("then") or {}).get("intent")
            if intent is not None and intent not in BY_INTENT:
                yield f"conversation {row.id} goes on with {intent}, which nothing reads"
            state = state.parked


GARBLED = re.compile(r"[{}]|\bNone\b|Decimal\(|datetime\.|\bnan\b|[\u00a0\u202f]")
MOST_CHARACTERS = 1600


@invariant
def texts_are_sound(step: Step) -> Iterator[str]:
    """No gap stays open, no value is shown raw; not empty, not too long, and counted rightly."""
    catalogue = CATALOGUES
    for row in step.after.new("messages", step.before):
        if row.direction != "outbound":
            continue
        if GARBLED.search(row.body):
            yield f"message {row.id} ({row.reply_key}) is garbled"
        if not row.body.strip() or len(row.body) > MOST_CHARACTERS:
            yield f"message {row.id} ({row.reply_key}) has {len(row.body)} characters"
        if row.segments != segments(row.body).count:
            yield f"message {row.id} is counted as {row.segments} segments"
        for key in keys_of(row):
            for language in LANGUAGES:
                catalogue.text(key, language)


HELD_SAYS = frozenset({"consent", "crisis", "help"})
"""First parts of the keys that are said while a person holds the conversation."""


@invariant
def the_bot_is_silent_while_a_person_holds(step: Step) -> Iterator[str]:
    """No answer but to STOP, START, HELP and a cry for help, from hand-off to hand-back."""
    for row in step.after.new("messages", step.before):
        before = step.before.by_id["conversations"].get(row.conversation_id)
        if row.direction != "outbound" or row.in_reply_to_id is None or before is None:
            continue
        if before.held_by == "agent" and {k.partition(".")[0] for k in keys_of(row)} - HELD_SAYS:
            yield f"message {row.id} ({row.reply_key}) was said while a person held"


@invariant
def a_cry_for_help_reaches_a_person(step: Step) -> Iterator[str]:
    """A processed message that was read as a cry for help is in the crisis queue."""
    for message_id, read in step.after.read.items():
        if message_id in step.before.read or not (read or {}).get("effects"):
            continue
        if "crisis.helpline" in (read or {}).get("replies", []):
            conversation = step.after.by_id["messages"][message_id].conversation_id
            if not any(
                h.conversation_id == conversation and h.queue == "crisis" and h.closed_at is None
                for h in step.after["handoffs"]
            ):
                yield f"message {message_id} cried for help, and nobody is called"


@invariant
def reminders_rest_while_a_case_is_open(step: Step) -> Iterator[str]:
    """An open case pauses its loan."""
    for case in step.after.new("cases", step.before):
        loan = step.after.by_id["loans"].get(case.loan_id)
        if loan is not None and case.status == "open" and loan.reminders_paused_at is None:
            yield f"case {case.id} is open, and reminders go on"


@invariant
def money_that_does_not_fit_is_in_an_agents_hands(step: Step) -> Iterator[str]:
    """A link asks for no more than is owed; what comes besides is booked, and a person is told.

    Besides: a second payment through one link, another sum than it asked for, more than is owed.
    """
    for link in step.after.new("payment_links", step.before):
        if not 0 < link.amount <= step.before.owed.get(link.loan_id, link.amount):
            yield f"link {link.id} is for {link.amount}"
    for payment in step.after.new("payments", step.before):
        link = step.after.by_id["payment_links"].get(payment.payment_link_id)
        if link is None:
            continue
        reasons = {
            h.reason
            for h in step.after["handoffs"]
            if h.conversation_id == link.conversation_id and h.closed_at is None
        }
        first = min(p.id for p in step.after["payments"] if p.payment_link_id == link.id)
        if payment.id != first and "paid_twice" not in reasons:
            yield f"payment {payment.id} is the second through link {link.id}, and nobody knows"
        differs = payment.id == first and payment.amount != link.amount
        if differs and "payment_differs" not in reasons:
            yield f"payment {payment.id} is not of {link.amount}, and nobody knows"
        if payment.unallocated > 0 and "overpaid" not in reasons:
            yield f"payment {payment.id} left something over, and nobody knows"


@invariant
def nothing_fails_by_itself(step: Step) -> Iterator[str]:
    """No turn, follow-up or charge breaks off but where the machine broke it."""
    yield from step.alarms
    for row in step.after["messages"]:
        if row.status == "unprocessed" and row.reason not in (None, "StagedError"):
            yield f"the turn of message {row.id} failed with {row.reason}"


@invariant
def the_line_speaks_first_seldom_and_by_day(step: Step) -> Iterator[str]:
    """What nobody asked for comes within the hours of the place, and not too often.

    Measured when the provider takes it, on the borrower's clock; nothing while a person holds the
    conversation or somebody cried for help.
    """
    firsts = [t for t in step.network.taken if _is_first(step, t)]
    for taken in (t for t in firsts if t.step == step.number):
        row = step.after.by_id["messages"][taken.message_id]
        borrower = step.after.by_id["borrowers"].get(step.after.phone_of(row).borrower_id)
        if borrower is None:
            yield f"message {row.id} ({row.reply_key}) went to nobody's number"
            continue
        here = taken.at.astimezone(ZoneInfo(borrower.timezone))
        hours = step.policy.hours.get(borrower.country, step.policy.hours["*"])
        if not hours[:5] <= f"{here:%H:%M}" < hours[6:]:
            yield f"message {row.id} ({row.reply_key}) went at {here:%H:%M}, not in {hours}"
        days = [
            (here.date() - t.at.astimezone(here.tzinfo).date()).days
            for t in firsts
            if _borrower_of(step, t) == borrower.id
        ]
        contact = step.policy.contact
        if days.count(0) > contact.most_a_day or sum(d < 7 for d in days) > contact.most_a_week:
            yield f"message {row.id} ({row.reply_key}) is one too many"
        crisis = any(
            h.conversation_id == row.conversation_id and h.queue == "crisis" and not h.closed_at
            for h in step.before["handoffs"]
        )
        if crisis or step.before.by_id["conversations"][row.conversation_id].held_by == "agent":
            yield f"message {row.id} ({row.reply_key}) went while a person is wanted"


def _is_first(step: Step, taken: Taken) -> bool:
    row = step.after.by_id["messages"][taken.message_id]
    return row.in_reply_to_id is None and not (row.reply_key or "").startswith("payment.")


def _borrower_of(step: Step, taken: Taken) -> int | None:
    row = step.after.by_id["messages"][taken.message_id]
    found = step.after.phone_of(row).borrower_id
    return None if found is None else int(found)
