"""The whole application between its provider and its people, moved one step at a time.

Nothing here is drawn: the machine decides what happens, a test may as well. After each step every
invariant is checked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Engine, select, update

from bot import checkout, followups, manager, outbox, payments
from bot.runtime import Reads, Runtime
from channels.base import InboundMessage, Media
from jobs import JOBS
from models import Case, Conversation, Loan, Phone
from payments.gateways import GatewayError
from tests.fakes import CATALOGUES, FORMAL, Clock, make_settings
from tests.soak import invariants
from tests.soak.cast import SENDERS, Person
from tests.soak.network import Network, PowerCut, Taken
from tests.soak.policies import policy
from tests.soak.readers import Alarm, DrawnReader, Stumbling
from tests.soak.rows import EMPTY, Rows, look
from tests.soak.till import Till

MENU = re.compile(r"^(\d)\) ", re.MULTILINE)
SETTINGS = make_settings()
PERIODIC: tuple[Callable[[Runtime], object], ...] = (
    manager.sweep,
    checkout.sweep,
    followups.follow_up,
)
"""What the worker does every minute."""
TOLD = 60
"""So many of the last happenings are told with a failure."""


class World:
    """One deployment, its provider and its clock.

    Args:
        engine: a database with the cast in it.
        start: the time.
        rules: which policy is in force, by name.
        model: what reads the texts; without one, what they mean is drawn.

    """

    def __init__(
        self, engine: Engine, *, start: datetime, rules: str, model: Reads | None = None
    ) -> None:
        self.engine = engine
        self.clock = Clock()
        self.clock.now = start.astimezone(UTC)
        self.network = Network(SETTINGS, self.clock, self._facts)
        self.till = Till()
        self.alarm = Alarm()
        self.reader = DrawnReader(model)
        self.jobs: list[tuple[str, int]] = []
        self.diary: list[str] = []
        self.written: dict[str, int] = {}
        self.undelivered: list[str] = []
        """What people wrote and the provider could not hand over, or got no answer to."""
        self.trusted: set[int] = set()
        self.rt = self._runtime(rules)
        self.rows: Rows = look(engine, EMPTY)
        self.opening = dict(self.rows.owed)

    def _runtime(self, rules: str) -> Runtime:
        tone = policy(rules).lender.tone
        self.words = Stumbling(FORMAL if tone == "formal" else CATALOGUES)
        made = Runtime(
            settings=SETTINGS,
            engine=self.engine,
            channels={self.network.code: self.network},
            policy=policy(rules),
            catalogues=self.words,  # type: ignore[arg-type]
            load_reader=lambda: self.reader,
            clock=self.clock,
        )
        made.gateway = self.till
        made.enqueue = lambda name, row_id: self.jobs.append((name, row_id))
        return made

    def close(self) -> None:
        """Listen to nothing any more."""
        self.alarm.close()

    def _facts(self, number: str) -> tuple[bool, bool]:
        with self.rt.reading() as session:
            asked = select(Phone.opted_out_at, Phone.barred_at).where(Phone.number == number)
            found = session.execute(asked).one_or_none()
        return (False, False) if found is None else (found[0] is not None, found[1] is not None)

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """One happening; afterwards everything is checked."""
        self.network.step += 1
        self.clock.forward(seconds=1)
        self.diary.append(f"{self.network.step}. {self.clock.now:%Y-%m-%d %H:%M:%S} {what}")
        heard = len(self.network.taken)
        yield
        before, self.rows = self.rows, look(self.engine, self.rows)
        for taken in self.network.taken[heard:]:
            row = self.rows.by_id["messages"][taken.message_id]
            self.diary.append(f"   → {taken.number} [{row.reply_key}] {taken.text!r}")
        if not self.rt.policy.identity.ask:
            self.trusted |= {
                link.conversation_id for link in self.rows.new("payment_links", before)
            }
        now = invariants.Step(
            number=self.network.step,
            before=before,
            after=self.rows,
            now=self.clock.now,
            policy=self.rt.policy,
            network=self.network,
            written=self.written,
            opening=self.opening,
            money_in=self.money_in(),
            trusted=frozenset(self.trusted),
            alarms=tuple(self.alarm.heard),
        )
        try:
            invariants.check(now)
        except invariants.Broken as broken:
            raise self.told(broken) from None

    def told(self, broken: invariants.Broken) -> invariants.Broken:
        """A failure with what came before it."""
        broken.add_note("\n".join(self.diary[-TOLD:]))
        return broken

    def stuck(self, why: str) -> invariants.Broken:
        """The failure that a conversation has no way out."""
        name = "conversations_are_never_stuck"
        return self.told(invariants.kind(name)(name, why))

    # People

    def write(
        self,
        person: Person,
        text: str,
        meaning: Mapping[str, Any] | None = None,
        *,
        way: str = "answered",
        to: int = 0,
        failures: int = 0,
        **more: Any,
    ) -> str:
        """Somebody texts us.

        Args:
            person: who.
            text: what.
            meaning: what it will be read as.
            way: answered; lost, our response does not arrive; down, it does not reach us;
                twice, it is delivered by two calls at once.
            to: which of our numbers.
            failures: how often reading it fails.
            more: of the inbound message.

        Returns:
            The provider's id of it.

        """
        sid = f"SMin{len(self.network.arrived) + 1}"
        if meaning is not None:
            self.reader.draw(text, meaning)
        self.reader.failures[text] = failures
        read = meaning or "the model reads"
        with self.step(f"{person.name} writes {text!r} ({read}) {way} {more or ''}"):
            media = (Media("https://x.invalid/1", "image/jpeg"),) * more.pop("pictures", 0)
            inbound = InboundMessage(
                channel=self.network.code,
                external_id=sid,
                from_number=person.number,
                to=SENDERS[to][0],
                text=text,
                media=media,
                **more,
            )
            self.network.write(inbound)
            self.written[sid] = self.network.step
            if way == "down":
                self.undelivered.append(sid)
            elif way == "twice":
                self._deliver_twice(sid)
            else:
                self._deliver(sid, lost=way == "lost")
            self.words.failures = 0
        return sid

    def _deliver(self, sid: str, *, lost: bool = False) -> None:
        received = manager.receive(self.rt, self.network.arrived[sid])
        if lost:
            self.undelivered.append(sid)
        else:
            self.network.answer(sid, received.replies)

    def _deliver_twice(self, sid: str) -> None:
        inbound = self.network.arrived[sid]
        with ThreadPoolExecutor(2) as pool:
            calls = [pool.submit(manager.receive, self.rt, inbound) for _ in range(2)]
            results = [call.result() for call in calls]
        assert sum(not r.duplicate for r in results) == 1
        self.network.answer(sid, max((r.replies for r in results), key=len))

    def deliver_again(self, sid: str) -> None:
        """The provider repeats a delivery."""
        if sid in self.undelivered:
            self.undelivered.remove(sid)
        with self.step(f"{sid} is delivered again"):
            self._deliver(sid)

    # The provider

    def report(self, taken: Taken, status: str) -> None:
        """A status callback arrives."""
        with self.step(f"message {taken.message_id} is reported {status}"):
            outbox.record_status(self.rt, self.network.news(taken, status))

    def trouble(self, trouble: str, fate: str) -> None:
        """What goes wrong with the next call, and what becomes of texts from now on."""
        self.network.trouble, self.network.fate = trouble, fate

    # Money

    def money_in(self) -> dict[int, Decimal]:
        """The shadow ledger: what was paid on each loan and has been reported, in its currency."""
        found: dict[int, Decimal] = {}
        for external_id in self.till.told:
            reference, received = self.till.paid[external_id]
            link = self.rows.by_id["payment_links"][self.rt.link_of_reference(reference)]
            loan = self.rows.by_id["loans"][link.loan_id]
            if loan.currency == received.currency:
                found[loan.id] = found.get(loan.id, Decimal("0.00")) + received.amount
        return found

    def pay(self, link_id: int, *, save: bool = False, card: str = "works") -> None:
        """The button of a link's page is pressed."""
        with self.step(f"link {link_id} is paid with a card that {card}, kept: {save}"):
            try:
                checkout.begin(self.rt, link_id, checkout.Wish(save=save, test_card=card))
            except GatewayError:
                self.diary.append("   the gateway would not")

    def money_comes(self, link_id: int, amount: Decimal, currency: str, number: int) -> None:
        """Money is paid at the gateway: any amount; a report will tell."""
        reference = self.rt.payment_reference(link_id)
        self.till.pay(reference, amount, currency, number)
        self.diary.append(f"   {amount} {currency} is paid for link {link_id} ({number})")

    def tell(self, external_id: str, meaning: str = "paid") -> None:
        """The gateway reports something of a payment."""
        with self.step(f"the gateway reports {external_id} {meaning}"):
            event = self.till.report(external_id, meaning)
            payments.record_event(self.rt, self.till.code, event)

    def charge(self, loan_id: int, amount: Decimal) -> None:
        """The lender's system reports more late charges."""
        with self.step(f"late charges of loan {loan_id} grow by {amount}"):
            with self.rt.unit_of_work() as uow:
                grown = update(Loan).where(Loan.id == loan_id)
                uow.session.execute(grown.values(late_charges=Loan.late_charges + amount))
                uow.commit()
            self.opening[loan_id] += amount

    # The lender's people and machines

    def hand_back(self, conversation_id: int) -> None:
        """An agent is done."""
        with self.step(f"an agent hands conversation {conversation_id} back"):
            manager.hand_back(self.rt, conversation_id)

    def take_over(self, conversation_id: int) -> None:
        """An agent takes a conversation, asked or not."""
        told = f"an agent takes conversation {conversation_id}"
        with self.step(told), self.rt.unit_of_work() as uow:
            taken = update(Conversation).where(Conversation.id == conversation_id)
            uow.session.execute(taken.values(held_by="agent"))
            uow.commit()

    def close_case(self, case_id: int) -> None:
        """An agent has answered a case; reminders go on."""
        told = f"an agent closes case {case_id}"
        with self.step(told), self.rt.unit_of_work() as uow:
            case = uow.session.get_one(Case, case_id)
            case.status = "closed"
            others = select(Case.id).where(
                Case.loan_id == case.loan_id, Case.status == "open", Case.id != case_id
            )
            if case.loan_id is not None and uow.session.scalar(others.limit(1)) is None:
                uow.session.get_one(Loan, case.loan_id).reminders_paused_at = None
            uow.commit()

    def work(self, most: int = 10) -> None:
        """Jobs are done in their order."""
        with self.step("the worker does its jobs"):
            todo, self.jobs = self.jobs[:most], self.jobs[most:]
            for name, row_id in todo:
                self._do(lambda n=name, r=row_id: JOBS[n](self.rt, r))

    def forget_jobs(self) -> None:
        """The queue is lost."""
        self.jobs.clear()

    def sweep(self) -> None:
        """The periodic look for what was left behind."""
        with self.step("the sweep"):
            for call in PERIODIC:
                self._do(lambda c=call: c(self.rt))

    def reconcile(self, hours: float = 6) -> None:
        """The provider's log is read."""
        with self.step("the provider's log is read"):
            since = self.clock.now - timedelta(hours=hours)
            self._do(lambda: manager.reconcile(self.rt, self.network.code, since))
            self.undelivered = [
                sid
                for sid in self.undelivered
                if (self.network.arrived[sid].sent_at or since) < since
            ]

    def _do(self, call: Callable[[], object]) -> None:
        try:
            call()
        except PowerCut:
            self.diary.append("   a power cut")

    def later(self, by: timedelta, *, worker: bool = True) -> None:
        """Time goes by; a worker that is on does meanwhile what is due."""
        self.diary.append(f"   {by} go by{'' if worker else ', the worker is off'}")
        until = self.clock.now + by
        if worker and by > timedelta(minutes=10):
            self.clock.now += timedelta(minutes=6)
            self.work(1000)
            self.reconcile()
            self.sweep()
            while until - self.clock.now > timedelta(hours=18):
                self.clock.now += timedelta(hours=12)
                self.sweep()
        self.clock.now = max(until, self.clock.now)
        if worker and by > timedelta(minutes=10):
            self.sweep()

    def restart(self, rules: str) -> None:
        """Every process starts anew, with these rules."""
        with self.step(f"restart under the rules {rules!r}"):
            self.engine.dispose()
            self.rt = self._runtime(rules)

    # Looking

    def conversation(self, person: Person, to: int = 0) -> Any:
        """Somebody's conversation with one of our numbers; None before the first text."""
        phones = [p.id for p in self.rows["phones"] if p.number == person.number]
        return next(
            (
                c
                for c in self.rows["conversations"]
                if c.phone_id in phones and c.sender_id == to + 1
            ),
            None,
        )

    def opted_out(self, person: Person) -> bool:
        """Whether their number gets no texts."""
        return any(
            p.number == person.number and p.opted_out_at is not None for p in self.rows["phones"]
        )

    def last_text(self, conversation: Any) -> Any:
        """The last text that we wrote there."""
        found = None
        for row in self.rows["messages"]:
            if row.direction == "outbound" and row.conversation_id == conversation.id:
                found = row
        return found

    def menu(self, conversation: Any) -> int:
        """How many entries the last menu has; 0 without one."""
        last = self.last_text(conversation)
        return max((int(n) for n in MENU.findall(last.body)), default=0) if last else 0


def settled(world: World) -> None:
    """Let the machines come to rest: nothing waits any more that could go on by itself.

    Raises:
        Broken: it never ends.

    """
    world.trouble("", "delivered")
    world.till.trouble = ""
    world.words.failures = 0
    world.reader.failures.clear()
    for _ in range(12):
        world.later(_until_something_is_due(world), worker=False)
        world.work(1000)
        world.reconcile(24 * 400)
        world.sweep()
        for external_id in world.till.untold():
            world.tell(external_id)
        if not (world.jobs or any(_waits(row) for row in world.rows["messages"])):
            return
    raise world.stuck("the outbox never comes to rest")


def _until_something_is_due(world: World) -> timedelta:
    waits = [row.retry_at for row in world.rows["messages"] if _waits(row) and row.retry_at]
    return max(timedelta(minutes=11), *(at - world.clock.now for at in waits), timedelta(0))


def _waits(row: Any) -> bool:
    """Whether a row is on its way somewhere by itself."""
    if row.direction == "inbound":
        return row.status == "unprocessed" and row.retry_at is not None
    return row.status == "queued" or (row.status == "sending" and row.external_id is None)
