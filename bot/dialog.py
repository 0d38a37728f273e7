"""The dialogue: a state and a turn in, an outcome out. Pure: same turn, same outcome.

What a message is taken for, in this order: a wish to be left in peace or a cry for help, which
are heard whatever else goes on; the answer to the question that stands open; a new topic; a miss.
"""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from datetime import date
from decimal import Decimal
from typing import Any

from bot.effects import (
    AddToCase,
    AgreePlan,
    AgreeRelief,
    BarNumber,
    ChargeMethod,
    CreatePaymentLink,
    GrantExtension,
    HandOff,
    NoteHardship,
    OpenCase,
    OptOut,
    RecordPromise,
    Verified,
)
from bot.entities import Entities
from bot.flows import (
    BY_INTENT,
    BY_NAME,
    Flow,
    Step,
    cases,
    clarify,
    consent,
    handoff,
    hardship,
    identity,
    language,
    loan,
)
from bot.flows.answers import open_loans
from bot.keywords import match
from bot.nlu import sorts
from bot.turn import IDLE, THEN, Also, Outcome, Reply, Slots, State, Turn, done, say

NOT_TOPICS = frozenset({"affirm", "deny", "greet", "thanks", "out_of_scope"})
"""Intents that never leave an open question: there they are answers, or misses."""
LEAVE_ALWAYS = frozenset({"talk_to_agent", "help"})
"""Intents that are never an answer, not even where any words are one."""
FOR_STRANGERS = frozenset({"wrong_person", "ask_identity", "help", "talk_to_agent"})
"""What a number that belongs to no borrower can be answered."""
NEVER_AN_ANSWER = frozenset(
    {"already_paid", "complaint", "crisis", "dispute", "hardship", "stop_messaging", "wrong_person"}
)
"""Intents that leave a question even where the message holds the amount or day asked for."""
LATE_CHOICE = re.compile(r"[(#]?\d[.)]?")
"""A choice from a menu that is no longer open."""
SHORT = 16
"""Characters: "half", "only 100", "monday is better", "en ocho días"."""
MISSES_BEFORE_PERSON = 3
COURTESIES = frozenset({"greet", "thanks"})
"""Said to an open question, these are returned with the question; they are no misses."""
HINTS = frozenset({"balance.next"})
"""Replies that only say what one might ask next; beside a second wish they are left out."""
ENDING = (
    *(OptOut, BarNumber, OpenCase, AddToCase, NoteHardship, CreatePaymentLink, ChargeMethod),
    *(GrantExtension, AgreePlan, AgreeRelief, RecordPromise),
)
"""Effects after which no earlier question is taken up again."""


def advance(state: State, turn: Turn) -> Outcome:
    """What follows from a message.

    Args:
        state: where the dialogue stands; ``State()`` at the beginning.
        turn: the message, what was read in it, and all that may decide.

    """
    urgent = _urgent(state, turn)
    if urgent is not None:
        return urgent
    asked = language.heard(turn)
    if asked is not None:
        return _in_language(state, turn, asked)
    if turn.first_name is None:
        return (_answered(state, turn) if state.flow == "language" else None) or _stranger(turn)
    step = open_step(state)
    if not turn.text.strip() and turn.has_media and not (step is not None and step.media):
        return _picture(state, turn)
    return _answered(state, turn) or _topic(state, turn)


def _in_language(state: State, turn: Turn, asked: Outcome) -> Outcome:
    """The open question once more, in the language that was asked for."""
    step = open_step(state)
    if asked.state.step != IDLE:
        return _with_parked(asked, _parkable(state))
    if step is None or state.flow == "language":
        return _resumed(asked, state.parked, turn)
    if BY_NAME[state.flow].about_debt and identity.gate(turn) is not None:
        return replace(asked, state=state)
    return Outcome(state, (*asked.replies, step.ask(turn, state.slots)), asked.effects)


def _picture(state: State, turn: Turn) -> Outcome:
    """A picture without a word: for a person, with the case that is open if there is one."""
    known = turn.cases and (turn.verified or not turn.policy.identity.ask)
    told = say("media.with_case", case_number=turn.cases[0].case_number) if known else None
    effects = (HandOff("general", "picture", hold=False),)
    return Outcome(state, (told or say("media.unread"),), effects)


def open_step(state: State) -> Step | None:
    """The question that stands open, if the flow still has it."""
    flow, _, step = state.step.partition(".")
    return BY_NAME[flow].steps.get(step) if flow in BY_NAME else None


def menu_is_open(state: State) -> bool:
    """Whether a bare number in the next message is a choice."""
    step = open_step(state)
    return step is not None and step.menu


def _urgent(state: State, turn: Turn) -> Outcome | None:
    """What is heard always: stop, a cry for help; and then silence where silence is due."""
    understood = turn.understanding
    if understood.keyword == "stop" or understood.opt_out == "done":
        source = "keyword" if understood.keyword else "model"
        stopped = consent.stop(source)
        if turn.opted_out:
            stopped = replace(stopped, replies=())
        return _both(handoff.crisis(turn), stopped) if understood.crisis else stopped
    if understood.crisis:
        return handoff.crisis(turn)
    if turn.opted_out:
        return _after_opt_out(turn)
    if turn.held:
        # Carriers want HELP answered, whoever holds the conversation.
        helped = understood.keyword == "help"
        return Outcome(state, BY_INTENT["help"].start(turn).replies if helped else ())
    return None


def _both(first: Outcome, second: Outcome) -> Outcome:
    """Two ends of a conversation in one: everything is said and done."""
    return replace(
        second,
        replies=first.replies + second.replies,
        effects=first.effects + second.effects,
    )


def _after_opt_out(turn: Turn) -> Outcome:
    """Only a clear wish brings texts back; all else is for a person, and nothing is said."""
    if match(turn.text, opted_out=True) == "start":
        return consent.resume("keyword")
    if turn.intent == "resume_messaging" and turn.is_clear:
        return consent.resume("model")
    if turn.held or (turn.is_clear and turn.intent in COURTESIES | {"affirm"}):
        return Outcome(State())
    return Outcome(State(), (), (HandOff("general", "wrote_after_opt_out", hold=False),))


def _stranger(turn: Turn) -> Outcome:
    if turn.intent in FOR_STRANGERS and turn.is_clear:
        return BY_INTENT[turn.intent].start(turn)
    return done(say("unknown.number"), effects=(HandOff("general", "unknown_number"),))


def _answered(state: State, turn: Turn) -> Outcome | None:
    """The message as an answer to the open question; None where it is none."""
    step = open_step(state)
    if step is None:
        return None
    if BY_NAME[state.flow].about_debt and (_may_answer(state, step, turn) or not turn.is_clear):
        asked = identity.gate(turn)  # it may have run out since the question was asked
        if asked is not None:
            return _with_parked(asked, state)
    outcome = step.take(turn, state.slots) if _may_answer(state, step, turn) else None
    if _may_be_stop(turn) and state.flow != "consent":
        plain_answer = outcome is not None and turn.entities != Entities()
        if not plain_answer and (outcome is None or turn.intent == "stop_messaging"):
            return _with_parked(consent.ask_stop(turn), _parkable(state))
    if outcome is None:
        return None
    if outcome.state.step == THEN:
        turn = replace(turn, verified=turn.verified or Verified() in outcome.effects)
        then = state.slots.get("then")
        outcome = _go_on(outcome, then, turn) if then else replace(outcome, state=State())
    return _resumed(_second(outcome, state.later, turn), state.parked, turn)


def _may_be_stop(turn: Turn) -> bool:
    """In the doubtful band, unless it is plainly a wish for fewer texts, or for texts again."""
    about_texts = turn.intent in {"fewer_messages", "resume_messaging"} and turn.is_clear
    return turn.understanding.opt_out == "ask" and not about_texts


def _may_answer(state: State, step: Step, turn: Turn) -> bool:
    """A clear message on another topic is no answer, unless it makes a choice."""
    if turn.is_clear and turn.intent in LEAVE_ALWAYS:
        return False
    in_parts = turn.entities.rest_on is not None and turn.is_clear
    if in_parts and state.flow == "payment" and _with_rest(turn).intent == "promise_to_pay":
        return False  # a part now is but half of what was said
    holds = step.wants & set(named(turn.entities))
    if holds and len(turn.text) <= SHORT and turn.intent not in NEVER_AN_ANSWER:
        return True
    if step.any_words or turn.entities.option is not None or not turn.is_clear:
        return True
    return turn.intent in NOT_TOPICS | BY_NAME[state.flow].starts_on | step.reads


def _topic(state: State, turn: Turn) -> Outcome:
    """The message as a new topic; the open question is parked meanwhile."""
    if _may_be_stop(turn):
        return _with_parked(consent.ask_stop(turn), _parkable(state))
    is_topic = turn.is_clear and (state.step == IDLE or turn.intent not in NOT_TOPICS)
    if not is_topic and not cases.is_asked_about(turn):
        return _missed(state, turn)
    turn = _with_rest(turn)
    flow = _flow_of(turn)
    parked = state.parked if flow.name == state.flow else _parkable(state)
    return _resumed(_begin(flow, turn), parked, turn)


def _flow_of(turn: Turn) -> Flow:
    """Where a message is taken up."""
    return cases.CASES if cases.is_asked_about(turn) else BY_INTENT[turn.intent]


def _with_rest(turn: Turn) -> Turn:
    """A part now and the rest on a day is a word for the rest, too: both are read back."""
    if turn.intent != "pay_now" or turn.entities.rest_on is None:
        return turn
    return replace(turn, understanding=replace(turn.understanding, intent="promise_to_pay"))


def _begin(flow: Flow, turn: Turn) -> Outcome:
    """Start a flow, through the gates that stand before it."""
    if flow.about_debt:
        asked = identity.gate(turn)
        if asked is not None:
            return _with_then(asked, turn)
    if flow.one_loan and turn.loan is None:
        asked = loan.gate(turn)
        if asked is not None:
            return _with_then(asked, turn)
        turn = replace(turn, loan=next(iter(open_loans(turn)), None))
    return _and_also(flow.start(turn), turn)


def _and_also(first: Outcome, turn: Turn) -> Outcome:
    """The second wish of the message with the first: answered at once, or when that is through."""
    if turn.also is None:
        return first
    if turn.also.intent == "hardship":
        return _moved(first, turn)
    if first.state.step == IDLE:
        return _second(first, _later(turn), turn)
    flow = BY_INTENT[turn.also.intent]
    if not flow.steps and not flow.one_loan and (turn.verified or not flow.about_debt):
        told = flow.start(_of_second(_later(turn), turn))
        if told.state.step == IDLE and not told.effects:  # a question of fact: first that
            return replace(first, replies=(*_without_hints(told), *first.replies))
    return replace(first, state=replace(first.state, later=_later(turn)))


def _moved(first: Outcome, turn: Turn) -> Outcome:
    """Trouble told beside a request: heard first, and then the request is what helps.

    "I can't pay on time" is but the reason of the request: only trouble with a name is meant.
    """
    if sorts.trouble(turn.text) is None:
        return first
    felt = hardship.sympathy(turn)
    return replace(
        first,
        replies=(*felt.replies, *first.replies),
        effects=(*felt.effects, *first.effects),
    )


def _without_hints(outcome: Outcome) -> tuple[Reply, ...]:
    """What is said, without what to ask next: that has been asked."""
    return tuple(reply for reply in outcome.replies if reply.key not in HINTS)


def _later(turn: Turn) -> Slots | None:
    """What is kept of a second wish."""
    if turn.also is None:
        return None
    return {"intent": turn.also.intent, "entities": named(turn.also.entities)}


def _of_second(later: Slots | None, turn: Turn) -> Turn:
    """The turn as if the message had asked for its second wish alone."""
    assert later is not None
    return replace(
        turn,
        understanding=replace(turn.understanding, intent=later["intent"], confidence=1.0),
        entities=_from_json(later["entities"]),
        also=None,
    )


def _second(first: Outcome, later: Slots | None, turn: Turn) -> Outcome:
    """Take up the second wish once the first is through, unless a person does."""
    if later is None:
        return first
    if first.state.step != IDLE:
        return replace(first, state=replace(first.state, later=later))
    flow = BY_INTENT[later["intent"]]
    in_question = flow.one_loan and any(isinstance(e, OpenCase) for e in first.effects)
    if _is_over(first) or in_question:  # nothing is arranged over what is to be looked into
        return first
    begun = _begin(flow, _of_second(later, turn))
    return Outcome(
        begun.state,
        (*_without_hints(first), say("flow.also"), *begun.replies),
        (*first.effects, *begun.effects),
    )


def _is_over(outcome: Outcome) -> bool:
    """Whether nothing more is said by the bot: a person has it, or peace was asked for."""
    return any(
        isinstance(e, OptOut | BarNumber) or (isinstance(e, HandOff) and e.hold)
        for e in outcome.effects
    )


def _with_then(asked: Outcome, turn: Turn) -> Outcome:
    """Remember with a question what it was asked for."""
    then: Slots = {"intent": turn.intent, "text": turn.text, "entities": named(turn.entities)}
    if turn.loan is not None:
        then["loan"] = turn.loan.id
    if turn.also is not None:
        then["also"] = _later(turn)
    slots = {**asked.state.slots, "then": then}
    return replace(asked, state=replace(asked.state, slots=slots))


def _go_on(passed: Outcome, then: Slots, turn: Turn) -> Outcome:
    """A gate was passed: take up what was asked first."""
    then = {**then, **passed.state.slots}
    intent = then["intent"]
    turn = replace(
        turn,
        text=then["text"],
        understanding=replace(turn.understanding, intent=intent, confidence=1.0),
        entities=_from_json(then["entities"]),
        loan=next((x for x in turn.loans if x.id == then.get("loan")), None),
        also=_also_from(then.get("also")),
    )
    if intent == "stop_messaging":
        return consent.stop("confirmed")
    begun = _begin(_flow_of(turn), turn)
    return Outcome(
        begun.state, (*passed.replies, *begun.replies), (*passed.effects, *begun.effects)
    )


def _also_from(later: Slots | None) -> Also | None:
    return None if later is None else Also(later["intent"], _from_json(later["entities"]))


def _resumed(outcome: Outcome, parked: State | None, turn: Turn) -> Outcome:
    """Come back to the parked question when the other topic is through."""
    if parked is None:
        return outcome
    ended = _is_over(outcome) or any(isinstance(e, ENDING) for e in outcome.effects)
    if outcome.state.step != IDLE:
        return outcome if ended else _with_parked(outcome, parked)
    step = open_step(parked)
    if ended or step is None:
        return outcome
    if parked.flow == "identity" and identity.gate(turn) is None:
        return _known_by_now(outcome, parked, turn)
    if BY_NAME[parked.flow].about_debt and identity.gate(turn) is not None:
        return outcome  # it would speak of the debt to somebody who is not verified any more
    again = step.ask(turn, parked.slots)
    return Outcome(
        replace(parked, misses=0), (*outcome.replies, say("flow.back"), again), outcome.effects
    )


def _known_by_now(outcome: Outcome, parked: State, turn: Turn) -> Outcome:
    """The question who writes has answered itself: go on with what it was asked for."""
    then = parked.slots.get("then")
    if then is None:
        return outcome
    gone = _go_on(Outcome(State(THEN)), then, turn)
    return Outcome(gone.state, (*outcome.replies, *gone.replies), (*outcome.effects, *gone.effects))


def _with_parked(outcome: Outcome, parked: State | None) -> Outcome:
    """The same outcome with a question parked behind it."""
    return replace(outcome, state=replace(outcome.state, parked=parked))


def _parkable(state: State) -> State | None:
    """The question to come back to: the open one if its flow wants that, else the parked one."""
    if state.flow in BY_NAME and BY_NAME[state.flow].resumes and open_step(state) is not None:
        return replace(state, parked=None)
    return state.parked


def _missed(state: State, turn: Turn) -> Outcome:
    """Not understood: ask with a choice, explain differently, and then a person."""
    step = open_step(state)
    if step is not None and turn.intent in COURTESIES and turn.is_clear:
        returned = BY_INTENT[turn.intent].start(turn).replies
        return Outcome(state, (*returned, step.ask(turn, state.slots)))
    misses = state.misses + 1
    if misses >= MISSES_BEFORE_PERSON:
        return handoff.to_person("general", "not_understood", turn=turn)
    if step is not None and state.flow != "clarify":
        explained = "misses.explain" if step.menu else "misses.explain_open"
        replies = (say("misses.again" if misses == 1 else explained), step.ask(turn, state.slots))
        return Outcome(replace(state, misses=misses), replies)
    if misses == 1 and LATE_CHOICE.fullmatch(turn.text.strip()):
        return Outcome(State(misses=misses), (say("flow.late_number"),))
    asked = clarify.which(turn) if misses == 1 else None
    if asked is None:
        return Outcome(State(misses=misses), (say("misses.topics"),))
    return _with_then(replace(asked, state=replace(asked.state, misses=misses)), turn)


def named(entities: Entities) -> dict[str, Any]:
    """The entities that a message holds, as JSON values."""
    kept = {name: value for name, value in asdict(entities).items() if value is not None}
    return {n: str(v) if isinstance(v, Decimal | date) else v for n, v in kept.items()}


def _from_json(data: dict[str, Any]) -> Entities:
    values = dict(data)
    if "amount" in values:
        values["amount"] = Decimal(values["amount"])
    for name in {"date", "rest_on"} & set(values):
        values[name] = date.fromisoformat(values[name])
    return Entities(**values)
