"""What happens in a run, drawn by Hypothesis, and the ways out that must be open at its end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from sqlalchemy import Engine

from bot.dialog import open_step
from bot.flows import BY_NAME
from bot.nlu.understanding import INTENTS
from bot.runtime import Reads
from bot.turn import State
from payments.gateways.sandbox import CARDS
from tests.soak import policies, speech
from tests.soak.cast import ANSWERS, BORROWERS, CAST, Person
from tests.soak.network import FATES, TROUBLES
from tests.soak.tally import Tally
from tests.soak.till import TROUBLES as CHARGE_TROUBLES
from tests.soak.world import World, settled

STARTS = (
    datetime(2026, 3, 4, 17, tzinfo=UTC),
    datetime(2026, 3, 8, 6, 59, 30, tzinfo=UTC),  # summer time begins in the United States
    datetime(2026, 3, 29, 0, 59, tzinfo=UTC),  # and in Europe
    datetime(2026, 11, 1, 5, 30, tzinfo=UTC),  # and ends
    datetime(2026, 2, 16, 15, 59, 50, tzinfo=UTC),  # Chinese New Year's Eve, before midnight
    datetime(2026, 12, 31, 23, 0, tzinfo=UTC),
)
SPANS = (
    *(timedelta(seconds=s) for s in (1, 1, 10, 10, 40, 40)),
    *(timedelta(minutes=m) for m in (2, 6, 20, 61)),
    *(timedelta(hours=h) for h in (4, 8, 25)),
    *(timedelta(days=d) for d in (2, 8, 31)),
)
TOPICS = tuple(i for i in INTENTS if i not in ("stop_messaging", "crisis", "wrong_person"))
BINDING = ("request_extension", "promise_to_pay", "request_plan", "pay_now")
AGREEABLE = (*BINDING * 3, "dispute", "already_paid", "complaint", "hardship", "ask_balance")
NOT_READ = {"intent": "out_of_scope", "confidence": 0.1}


def mostly(usual: Any, *others: Any, weight: int = 4) -> st.SearchStrategy[Any]:
    """Usually one thing, now and then another."""
    return st.sampled_from((*[usual] * weight, *others))


class Line(RuleBasedStateMachine):
    """A lender's line in a random life. ``configured`` makes the class that is run."""

    databases: Callable[[], Engine]
    model: Reads | None = None
    tally: Tally

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.broken = False

    @initialize(data=st.data())
    def begin(self, data: Any) -> None:
        draw = data.draw
        first = draw(st.sampled_from(BORROWERS), "first")
        others = draw(st.lists(st.sampled_from(CAST), max_size=2, unique=True), "others")
        self.people = [first, *(person for person in others if person != first)]
        self.world = World(
            self.databases(),
            start=draw(st.sampled_from(STARTS), "start"),
            rules=draw(st.sampled_from(policies.DRAWN), "rules"),
            model=self.model,
        )
        if draw(mostly(True, False, weight=3), "verified"):
            asked = {"intent": "ask_balance", "confidence": 0.95}
            self._guard(lambda: self.world.write(first, "how much do i owe", asked))
            proof = ANSWERS.get(self.world.rt.policy.identity.ask)
            if proof:
                self._guard(lambda: self.world.write(first, proof, NOT_READ))

    # What people write

    @rule(data=st.data())
    def somebody_writes(self, data: Any) -> None:
        person = self._person(data)
        language = data.draw(mostly(person.language, *speech.LANGUAGES, weight=12), "language")
        intent = data.draw(st.sampled_from((*TOPICS, *AGREEABLE * 2)), "about")
        texts = speech.holdout()[language].get(intent) or speech.NOISE
        text = data.draw(st.sampled_from(texts), "text")
        self._write(data, person, text, self._meaning(data, intent))

    @rule(data=st.data())
    def somebody_writes_anything(self, data: Any) -> None:
        person = self._person(data)
        strange = st.sampled_from((*speech.NOISE, *speech.AMOUNTS, *speech.DATES, *speech.COUNTS))
        if data.draw(st.booleans(), "mixed"):
            intent, text = data.draw(st.sampled_from(speech.MIXED), "text")
        else:
            intent, text = "out_of_scope", data.draw(strange, "text")
        intent = data.draw(mostly(intent, *INTENTS, weight=30), "read as")
        self._write(data, person, text, self._meaning(data, intent))

    @rule(data=st.data())
    def somebody_answers(self, data: Any) -> None:
        self._answer(data)

    @rule(data=st.data())
    def somebody_answers_readily(self, data: Any) -> None:
        self._answer(data, ready=True)

    @rule(data=st.data())
    def somebody_asks_and_agrees(self, data: Any) -> None:
        self._agree(data)

    @rule(data=st.data())
    def somebody_wants_to_agree(self, data: Any) -> None:
        self._agree(data)

    @rule(data=st.data())
    def somebody_follows_a_script(self, data: Any) -> None:
        person = self._person(data)
        script = data.draw(st.sampled_from(speech.scripts()[person.language]), "script")
        for line in script[: data.draw(st.integers(1, 8), "lines")]:
            if isinstance(line, timedelta):
                self._guard(lambda by=line: self.world.later(by))
            else:
                self._write(data, person, *line, smooth=True)

    def _agree(self, data: Any) -> None:
        person = self._person(data)
        intent = data.draw(st.sampled_from(AGREEABLE), "about")
        text = data.draw(st.sampled_from(speech.holdout()[person.language][intent]), "text")
        self._write(data, person, text, {"intent": intent, "confidence": 0.95}, smooth=True)
        for _ in range(data.draw(st.integers(1, 5), "answers")):
            self._answer(data, ready=True, person=person, smooth=True)

    @rule(data=st.data())
    def somebody_writes_a_command(self, data: Any) -> None:
        person = self._person(data)
        kinds = (*["agent", "pay", "confirm"] * 2, "stop", *["start", "help", "picture"] * 2)
        kind = data.draw(st.sampled_from(kinds), "command")
        if kind == "picture":
            text = data.draw(mostly("", "here is my receipt", weight=2), "text")
            return self._write(data, person, text, NOT_READ, pictures=1)
        named = {"stop": "STOP", "start": "START", "help": "HELP"}.get(kind)
        own = data.draw(mostly(None, named, weight=5), "the provider's")
        more = {"opt_out_type": own} if own else {}
        text = speech.COMMANDS[person.language][kind]
        return self._write(data, person, text, NOT_READ, **more)

    def _person(self, data: Any) -> Person:
        return data.draw(st.sampled_from((self.people[0], *self.people)), "who")

    def _meaning(self, data: Any, intent: str) -> dict[str, Any]:
        draw = data.draw
        confidence = draw(mostly(0.95, 0.3, 0.5, 0.65, 0.0, weight=10), "confidence")
        others = draw(st.lists(st.sampled_from(INTENTS), max_size=2, unique=True), "others")
        rest = tuple((name, confidence / 2) for name in others if name != intent)
        meaning: dict[str, Any] = {
            "intent": intent,
            "confidence": confidence,
            "ranking": ((intent, confidence), *rest),
            "opt_out": draw(mostly("no", "ask", "done", weight=60), "opt-out"),
        }
        meaning["crisis"] = draw(mostly(intent == "crisis", True, weight=80), "crisis")
        return meaning

    def _write(
        self,
        data: Any,
        person: Person,
        text: str,
        meaning: dict[str, Any],
        *,
        smooth: bool = False,
        **more: Any,
    ) -> None:
        if not smooth:
            more["way"] = data.draw(mostly("answered", "lost", "down", "twice", weight=30), "way")
            more["to"] = data.draw(mostly(0, 1, weight=40), "to")
            if more["way"] != "twice":
                more["failures"] = data.draw(mostly(0, 1, 3, weight=40), "failures")
                self.world.words.failures = data.draw(mostly(0, 1, weight=60), "breaks")
        self._guard(lambda: self.world.write(person, text, meaning, **more))

    def _answer(
        self, data: Any, *, ready: bool = False, person: Person | None = None, smooth: bool = False
    ) -> None:
        person = person or self._person(data)
        talk = self.world.conversation(person)
        state = State.from_json(talk.state) if talk is not None else State()
        step = open_step(state)
        if talk is not None and talk.held_by == "agent" and data.draw(st.booleans(), "handed back"):
            self._guard(lambda: self.world.hand_back(talk.id))
        if self.world.opted_out(person) and data.draw(st.booleans(), "comes back"):
            return self._write(data, person, speech.COMMANDS[person.language]["start"], NOT_READ)
        if step is None or talk is None:
            intent = data.draw(st.sampled_from(AGREEABLE), "about")
            text = data.draw(st.sampled_from(speech.holdout()[person.language][intent]), "text")
        elif step.any_words and not step.menu:
            intent, text = self._proof(data)
        else:
            reads = sorted(step.reads | BY_NAME[state.flow].starts_on) or ["out_of_scope"]
            intent, text = self._choice(data, person, talk, reads, ready=ready)
        meaning = {"intent": intent, "confidence": 0.95 if intent != "out_of_scope" else 0.1}
        if not smooth:
            meaning = self._meaning(data, intent)
        return self._write(data, person, text, meaning, smooth=smooth)

    def _proof(self, data: Any) -> tuple[str, str]:
        """An answer to who they are."""
        kind = {"birth_year": "birth_year", "id_last4": "id_last4", "postcode": "postcode"}
        asked = self.world.rt.policy.identity.ask
        right = ANSWERS.get(kind.get(asked, ""), "1990")
        answers = (*[right] * 12, "1985", f"it is {right} ok", "why do you ask", "民國79年")
        text = data.draw(st.sampled_from(answers), "proof")
        return "deny" if text.startswith("why") else "out_of_scope", text

    def _choice(
        self, data: Any, person: Person, talk: Any, reads: list[str], *, ready: bool
    ) -> tuple[str, str]:
        """An answer to a question, often a number of the menu."""
        most = self.world.menu(talk)
        words = speech.COMMANDS[person.language]
        kinds = ["entry", "entry", "yes"] if ready else [*("entry", "wild", "yes", "no")]
        kinds += [] if ready and most else ["amount", "date", "length", "count", "words"]
        kind = data.draw(st.sampled_from(kinds), "answer")
        if kind == "entry" and most:
            number = 1 if ready and most <= 3 else data.draw(st.integers(1, most), "entry")
            return "out_of_scope", str(number)
        if kind == "wild":
            return "out_of_scope", str(data.draw(st.integers(0, 12), "number"))
        if kind in ("yes", "entry"):
            said = (*speech.YES[person.language], words["confirm"])
            return "affirm", data.draw(st.sampled_from(said), "text")
        if kind == "no":
            return "deny", data.draw(st.sampled_from(speech.NO[person.language]), "text")
        table = {
            "amount": speech.AMOUNTS,
            "date": speech.DATES,
            "length": speech.LENGTHS,
            "count": speech.COUNTS,
        }
        intent = data.draw(st.sampled_from(reads), "read as")
        if kind == "words":
            return intent, data.draw(
                st.sampled_from(speech.holdout()[person.language].get(intent, ("hm",))), "text"
            )
        return intent, data.draw(st.sampled_from(table[kind]), "text")

    # What the provider does

    @precondition(lambda self: bool(self.world.written))
    @rule(data=st.data())
    def a_delivery_is_repeated(self, data: Any) -> None:
        waiting = self.world.undelivered or list(self.world.written)[-6:]
        sid = data.draw(st.sampled_from(waiting), "which")
        self._guard(lambda: self.world.deliver_again(sid))

    @precondition(lambda self: bool(self.world.network.taken))
    @rule(data=st.data())
    def news_arrives(self, data: Any) -> None:
        taken = data.draw(st.sampled_from(self.world.network.taken[-5:]), "which")
        status = data.draw(st.sampled_from(self.world.network.statuses(taken)), "status")
        self._guard(lambda: self.world.report(taken, status))

    # What the lender's people and machines do

    @precondition(lambda self: bool(self.world.rows["conversations"]))
    @rule(data=st.data())
    def an_agent_acts(self, data: Any) -> None:
        rows = self.world.rows
        cases = [c.id for c in rows["cases"] if c.status == "open"]
        held = [c.id for c in rows["conversations"] if c.held_by == "agent"]
        if cases and data.draw(st.booleans(), "a case"):
            chosen = data.draw(st.sampled_from(cases), "answers")
            self._guard(lambda: self.world.close_case(chosen))
        elif held:
            chosen = data.draw(st.sampled_from(held), "hands back")
            self._guard(lambda: self.world.hand_back(chosen))
        else:
            talks = [c.id for c in rows["conversations"]]
            chosen = data.draw(st.sampled_from(talks), "takes over")
            self._guard(lambda: self.world.take_over(chosen))

    @rule(data=st.data())
    def machines_work(self, data: Any) -> None:
        trouble = data.draw(mostly("", *TROUBLES, weight=12), "trouble")
        fate = data.draw(mostly("delivered", *FATES, weight=8), "fate")
        self._guard(lambda: self.world.trouble(trouble, fate))
        self.world.till.trouble = data.draw(mostly("", *CHARGE_TROUBLES, weight=12), "charges")
        kind = data.draw(st.sampled_from(("work", "work", "sweep", "reconcile", "lose")), "what")
        call = {
            "work": self.world.work,
            "sweep": self.world.sweep,
            "reconcile": self.world.reconcile,
            "lose": self.world.forget_jobs,
        }[kind]
        self._guard(call)

    @rule(data=st.data())
    def time_goes_by(self, data: Any) -> None:
        by = data.draw(st.sampled_from(SPANS), "how long")
        worker = data.draw(mostly(True, False, weight=6), "worker on")
        self._guard(lambda: self.world.later(by, worker=worker))

    @precondition(lambda self: bool(self._agreed_days()))
    @rule(data=st.data())
    def an_agreed_day_passes(self, data: Any) -> None:
        day = data.draw(st.sampled_from(self._agreed_days()), "day")
        after = data.draw(st.integers(1, 4), "days after")
        until = datetime(day.year, day.month, day.day, 17, tzinfo=UTC) + timedelta(days=after)
        by = max(until - self.world.clock.now, timedelta(hours=1))
        worker = data.draw(mostly(True, False, weight=6), "worker on")
        self._guard(lambda: self.world.later(by, worker=worker))

    def _agreed_days(self) -> list[date]:
        rows = self.world.rows
        days = [p.due_on for p in rows["promises"] if p.status == "open"]
        days += [a.ends_on for a in rows["agreements"] if a.status == "open"]
        plans = {a.id for a in rows["agreements"] if a.status == "open"}
        days += [i.due_on for i in rows["instalments"] if i.agreement_id in plans]
        return sorted(set(days))

    # Money

    @precondition(lambda self: bool(self.world.rows["payment_links"]))
    @rule(data=st.data())
    def somebody_pays(self, data: Any) -> None:
        link = data.draw(st.sampled_from(self.world.rows["payment_links"][-3:]), "link")
        if link.expires_at > self.world.clock.now and data.draw(st.booleans(), "on our page"):
            save = data.draw(st.booleans(), "kept")
            card = data.draw(mostly("works", *CARDS), "card")
            return self._guard(lambda: self.world.pay(link.id, save=save, card=card))
        owed = self.world.rows.owed[link.loan_id]
        agreed = [a.amount for a in self.world.rows["agreements"] if a.loan_id == link.loan_id]
        odd = (Decimal("0.01"), link.amount + Decimal("33.34"), max(owed, link.amount), *agreed)
        amount = data.draw(mostly(link.amount, *odd), "amount")
        own = self.world.rows.by_id["loans"][link.loan_id].currency
        currency = data.draw(mostly(own, "XTS", weight=15), "currency")
        number = data.draw(mostly(1, 2, weight=5), "which payment")
        return self._guard(lambda: self.world.money_comes(link.id, amount, currency, number))

    @precondition(lambda self: bool(self.world.till.paid))
    @rule(data=st.data())
    def the_gateway_reports(self, data: Any) -> None:
        known = self.world.till.untold() or list(self.world.till.paid)
        external_id = data.draw(st.sampled_from(known), "which")
        meaning = data.draw(mostly("paid", "pending", "failed", "refunded", weight=8), "what")
        self._guard(lambda: self.world.tell(external_id, meaning))

    @rule(data=st.data())
    def the_lender_changes_something(self, data: Any) -> None:
        kind = data.draw(st.sampled_from(("nothing", "nothing", "restart", "charges")), "what")
        if kind == "restart":
            rules = data.draw(st.sampled_from(policies.DRAWN), "rules")
            self._guard(lambda: self.world.restart(rules))
        elif kind == "charges":
            loan = data.draw(st.sampled_from(self.world.rows["loans"]), "loan")
            amount = data.draw(st.sampled_from([Decimal("0.01"), Decimal("19.99")]), "amount")
            self._guard(lambda: self.world.charge(loan.id, amount))

    def _guard(self, call: Callable[[], object]) -> None:
        """Remember a failure, so that the end of the run does not hide it."""
        try:
            call()
        except BaseException:
            self.broken = True
            raise

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            if not self.broken:
                self._guard(self._end)
        finally:
            self.world.close()
            self.tally.add(self.world, broken=self.broken)

    def _end(self) -> None:
        """Conversations are never stuck: from wherever they stand, four ways lead out."""
        world = self.world
        settled(world)
        for person in self.people:
            talk = world.conversation(person)
            if talk is None:
                continue
            ways_out(world, person, talk.id)


def ways_out(world: World, person: Person, conversation_id: int) -> None:
    """HELP is answered, three misses or AGENT bring a person, STOP ends it, START begins anew.

    Raises:
        Broken: one of them does not.

    """
    world.reader.by_table()
    words = speech.COMMANDS[person.language]
    known = any(p.number == person.number and p.borrower_id for p in world.rows["phones"])
    barred = any(p.number == person.number and p.barred_at for p in world.rows["phones"])
    if world.opted_out(person):
        world.write(person, words["start"], NOT_READ)
        _must(world, not world.opted_out(person), "START does not bring texts back")
    world.hand_back(conversation_id)
    if not barred:
        _must(world, _said(world, person, words["help"]), "HELP is not answered")
    if known and conversation_id % 2:
        for _ in range(7):
            if _is_with_a_person(world, conversation_id):
                break
            world.write(person, speech.UNREADABLE, NOT_READ)
        _must(world, _is_with_a_person(world, conversation_id), "misses bring no person")
        world.hand_back(conversation_id)
    world.write(person, words["agent"], NOT_READ)
    _must(world, _is_with_a_person(world, conversation_id), "AGENT brings no person")
    world.write(person, words["stop"], NOT_READ)
    _must(world, world.opted_out(person), "STOP does not stop")


def _must(world: World, holds: bool, otherwise: str) -> None:
    if not holds:
        raise world.stuck(otherwise)


def _said(world: World, person: Person, text: str) -> bool:
    before = len(world.network.taken)
    world.write(person, text, NOT_READ)
    return len(world.network.taken) > before


def _is_with_a_person(world: World, conversation_id: int) -> bool:
    """Whether one was asked for; outside their hours the bot goes on meanwhile."""
    return any(
        h.conversation_id == conversation_id and h.closed_at is None for h in world.rows["handoffs"]
    )


def configured(
    databases: Callable[[], Engine], tally: Tally, model: Reads | None = None
) -> type[Line]:
    """The machine on a database, with or without the trained model."""
    values = {"databases": staticmethod(databases), "tally": tally, "model": model}
    return type("Line", (Line,), values)
