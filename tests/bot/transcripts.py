"""The conversations of the tests as pages for people: ``make docs`` writes ``docs/conversations``.

Each conversation is played as its file declares it; what is shown is what the database holds
afterwards: the texts as they were sent, what was understood, and what was done.
"""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import Engine, select

from bot.nlu.understanding import INTENTS
from bot.replies import LANGUAGES, language_of
from bot.runtime import Runtime
from models import Base, Message, Payment, connect
from settings import PROJECT
from tests import builders
from tests.bot import test_conversations
from tests.fakes import make_runtime

CONVERSATIONS = Path(__file__).parent / "conversations"
PAGE = PROJECT / "docs" / "conversations.md"
FOLDER = PROJECT / "docs" / "conversations"
COMMAND = "make docs"

LANGUAGE_NAMES = {"en": "English", "es": "Español", "zh_Hans": "简体中文", "zh_Hant": "繁體中文"}
FLAGS = {"en": "🇬🇧 en", "es": "🇪🇸 es", "zh_Hans": "🇨🇳 简", "zh_Hant": "🇹🇼 繁"}
TOPICS: dict[str, tuple[str, str]] = {
    "balance": (
        "What is owed, and when it is due",
        "True figures from the loan book on the borrower's own date, several loans told apart.",
    ),
    "knowledge": (
        "Questions about the loan",
        "Interest, the last instalment, several loans, and where good advice is to be had.",
    ),
    "payment": (
        "Paying now",
        "All, what is past due, or an amount of their own; a link to a page, and a receipt.",
    ),
    "methods": (
        "Ways to pay",
        "Which ways there are, where to pay, and what to do when one fails.",
    ),
    "promise": (
        "A promise to pay",
        "An amount and a day, read back and confirmed; kept or broken, it is followed up once.",
    ),
    "extension": (
        "More time",
        "The days that the rules allow, a counter-offer checked, a read-back, a yes.",
    ),
    "plan": (
        "Paying in parts",
        "What is due in a few payments, with days and amounts, changed only after a yes.",
    ),
    "relief": (
        "Settlement and waiver",
        "What may be forgiven where the rest is paid in time, if the lender's rules say so.",
    ),
    "dispute": (
        "A debt or a figure that is said to be wrong",
        "Their words are kept, a case is opened, reminders rest until it is answered.",
    ),
    "already_paid": (
        "A payment said to have been made",
        "Looked for in the books; found, it is thanked for, and else a case is opened.",
    ),
    "hardship": (
        "Trouble",
        "No pressure: what options there are, reminders slowed down, a person who looks at it.",
    ),
    "crisis": (
        "A cry for help",
        "The helpline of the place in their language, a person at once, and nothing automatic.",
    ),
    "complaint": (
        "Complaints",
        "Acknowledged, never argued with, in a queue and with a deadline of their own.",
    ),
    "wrong_person": (
        "The wrong person",
        "An apology, the number barred, and not a word about the debt.",
    ),
    "consent": (
        "Stop, fewer, again",
        "In any words and in every language; in doubt the bot asks once.",
    ),
    "handoff": (
        "A person, please",
        "Handed over with the reason; out of hours the bot says when, and takes a call-back.",
    ),
    "identity": (
        "Who is who",
        "Who writes, and who is asked before anything about a debt is said.",
    ),
    "consequences": (
        "What follows from not paying",
        "Soberly, without threat, in the lender's own words where there are some.",
    ),
    "callback": (
        "A call back",
        "A time that suits, within the lender's hours, read back and given to a person.",
    ),
    "language": ("Another language", "They are answered in the language in which they write."),
    "clarify": (
        "Not understood",
        "Asked with a choice, explained anew, and then a person; money is never guessed.",
    ),
    "followup": (
        "After a promise",
        "Kept, it is thanked for; missed, it is asked about once, gently, and then by a person.",
    ),
    "silence": (
        "Silence",
        "A question that nobody answers is reminded of once, and then closed.",
    ),
    "mixed": (
        "Two wishes in one message",
        "Both are taken up, the more urgent one first.",
    ),
    "smalltalk": (
        "Greetings, thanks and other business",
        "Answered briefly, with the way back to what the line is for.",
    ),
    "regressions": (
        "Once gone wrong",
        "Conversations that went wrong once, and must not do so again.",
    ),
}
"""A title and a sentence for each topic, in the order of the page."""
PREFIX = re.compile(r"^(en|es|zh_Hans|zh_Hant|zh|hans|hant)_")


@dataclass(frozen=True)
class Case:
    """One conversation of the files."""

    topic: str
    name: str
    data: Mapping[str, Any] = field(repr=False)

    @property
    def locale(self) -> str:
        """The borrower's."""
        return str(self.data.get("person", {}).get("locale", "en"))

    @property
    def language(self) -> str:
        """Of the borrower's locale."""
        return language_of(self.locale)

    @property
    def intents(self) -> set[str]:
        """Those that its turns declare."""
        return {turn["intent"] for turn in self.data["turns"] if "intent" in turn}


Then = Callable[[Case, Runtime], None]


@dataclass(frozen=True)
class Row:
    """One line of a conversation as it is shown: who writes left, who answers right."""

    borrower: str = ""
    line: str = ""
    noted: str = ""


@cache
def cases() -> tuple[Case, ...]:
    """All conversations, topic by topic and language by language."""
    found = [
        Case(PREFIX.sub("", path.stem), case["name"], case)
        for path in sorted(CONVERSATIONS.glob("*.yml"))
        for case in yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)
    ]
    unknown = {case.topic for case in found} - set(TOPICS)
    assert not unknown, f"name the topics {sorted(unknown)} in TOPICS of {Path(__file__).name}"
    order = list(TOPICS)
    found.sort(key=lambda case: (order.index(case.topic), LANGUAGES.index(case.language)))
    return tuple(found)


def missing() -> list[tuple[str, str]]:
    """Pairs of an intent and a language that no conversation has."""
    found = {(intent, case.language) for case in cases() for intent in case.intents}
    pairs = [(intent, language) for intent in INTENTS for language in LANGUAGES]
    return [pair for pair in pairs if pair not in found]


def rows(case: Case, engine: Engine, then: Then | None = None) -> list[Row]:
    """Play a conversation in an empty database and give back what happened.

    Args:
        case: the conversation.
        engine: of the database.
        then: what else is to be looked at while it is there.

    """
    data = dict(case.data)
    clock = test_conversations._now(data)
    policy = test_conversations._policy(data)
    url = engine.url.render_as_string()
    runtime = make_runtime(url, policy=policy, clock=clock)
    runtime.engine = engine
    test_conversations.play(data, runtime, clock, declared=True)
    if then is not None:
        then(case, runtime)
    return list(_happened(runtime))


def _happened(runtime: Runtime) -> Iterator[Row]:
    """What the database holds, in the order of time."""
    with runtime.reading() as session:
        messages = session.scalars(select(Message).order_by(Message.id)).all()
        payments = session.scalars(select(Payment).order_by(Payment.id)).all()
    answers: dict[int, list[Message]] = {}
    for message in messages:
        if message.in_reply_to_id is not None:
            answers.setdefault(message.in_reply_to_id, []).append(message)
    shown = [m for m in messages if m.in_reply_to_id is None and m.created_at > builders.CREATED]
    begun = min(message.created_at for message in shown)
    paid = [payment for payment in payments if payment.paid_at >= begun]
    events: list[Message | Payment] = sorted([*paid, *shown], key=_at)
    last = _at(events[0])
    for event in events:
        if _at(event) - last >= timedelta(hours=1):
            yield Row(line=f"*{_ago(_at(event) - last)} later*")
        last = _at(event)
        if isinstance(event, Payment):
            yield Row(line=f"*{event.amount} {event.currency} is paid*")
        elif event.direction == "inbound":
            texts = "<br>".join(_sent(answer) for answer in answers.get(event.id, []))
            yield Row(_said(event), texts or "*(nothing)*", _noted(event))
        else:
            yield Row(line=_sent(event), noted="sent by itself")


def _at(event: Message | Payment) -> datetime:
    return event.paid_at if isinstance(event, Payment) else event.created_at


def _ago(gap: timedelta) -> str:
    count, unit = (gap.days, "day") if gap.days else (round(gap.seconds / 3600), "hour")
    return f"{count} {unit}{'' if count == 1 else 's'}"


def _said(message: Message) -> str:
    return _plain(message.body) + (" *(a picture)*" if message.media else "")


def _sent(message: Message) -> str:
    if message.status == "blocked":
        return f"*(held back by the guard: {_plain(message.reason or '')})*"
    return _plain(message.body)


def _noted(message: Message) -> str:
    """What was understood, and what was done."""
    read, facts = message.understanding or {}, message.facts or {}
    named = {name: value for name, value in read["entities"].items() if value is not None}
    understood = ", ".join(f"{name.removesuffix('_days')} {value}" for name, value in named.items())
    if read["confidence"] >= 0.45 or not understood:
        sure = "" if read["confidence"] >= 0.45 else "perhaps "
        also = f" + `{facts['also']}`" if facts.get("also") else ""
        nothing = read["intent"] == "out_of_scope" and sure
        intent = "not understood" if nothing else f"{sure}`{read['intent']}`{also}"
        understood = f"{intent}: {understood}" if understood else intent
    done = [effect_words(effect) for effect in facts["outcome"]["effects"]]
    return "<br>".join([understood, *(f"→ {words}" for words in done)])


def effect_words(effect: Mapping[str, Any]) -> str:
    """An effect as a snapshot holds it, in a few words."""
    values = {name: value for name, value in effect.items() if value is not None}
    name = values.pop("effect")
    if name == "AgreePlan":
        values["parts"] = ", ".join(f"{amount} on {due}" for due, amount in _table(values["parts"]))
    words = EFFECT_WORDS[name].format_map(values)
    more = (text.format_map(values) for key, text in MORE_WORDS.get(name, ()) if values.get(key))
    return _plain(", ".join((words, *more)))


def _table(rows: list[list[Any]]) -> list[tuple[Any, Any]]:
    due, amount = rows[0].index("due_on"), rows[0].index("amount")
    return [(row[due], row[amount]) for row in rows[1:]]


EFFECT_WORDS = {
    "OptOut": "no more texts",
    "OptIn": "texts again",
    "WantFewer": "fewer texts wished",
    "BarNumber": "the number is never texted again",
    "Verified": "they have shown who they are",
    "IdentityMiss": "a wrong answer is counted",
    "HandOff": "a person is asked for ({queue}: {reason})",
    "SetLanguage": "answered in {language} from now on",
    "CreatePaymentLink": "a link to pay {amount}",
    "ChargeMethod": "{amount} is taken from the saved way to pay",
    "GrantExtension": "due date moved to {new_due_on}",
    "AgreePlan": "a plan: {parts}",
    "AgreeRelief": "a {kind}: {amount} by {pay_by}, and {forgiven} is forgiven",
    "RecordPromise": "a promise: {amount} by {due_on}",
    "AddToCase": "more is added to case {case_number}",
    "OpenCase": "a case is opened ({topic}: {kind}), to be answered by {answer_due_on}",
    "NoteHardship": "reminders slow down until {until}",
}
MORE_WORDS = {
    "WantFewer": (("a_week", "{a_week} a week"), ("window", "at {window}")),
    "HandOff": (("hold", "and the bot falls silent"), ("call_back_at", "call at {call_back_at}")),
}


SPECIAL = re.compile(r"([\\`*_\[\]|~$])")
ADDRESS = re.compile(r"https?://\S+")


def _plain(text: str) -> str:
    """Text that a Markdown table shows as it is."""
    parts, end = [], 0
    for found in ADDRESS.finditer(text):
        address = found[0].replace("http://localhost:8000", "https://sms.lender.example")
        parts += [_escaped(text[end : found.start()]), f"`{address}`"]
        end = found.end()
    return "".join([*parts, _escaped(text[end:])])


def _escaped(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return SPECIAL.sub(r"\\\1", text).replace("\r", "").replace("\n", "<br>")


def _about(case: Case) -> str:
    """Who writes, what they owe, and which rules are other than usual."""
    data = case.data
    person = data.get("person", {})
    today = test_conversations._now(dict(data)).now.date()
    name = person.get("first_name", "Maya")
    facts = [f"{name}, {case.locale}, {today}"]
    if "country" in person:
        facts[0] += f", {person['country']}"
    facts += [_loan_words(builders.loan(today, **loan), today) for loan in _loans(person)]
    facts += [f"paid {x['amount']} {x['days_ago']} days ago" for x in data.get("payments", [])]
    facts += [f"has saved {method}" for method in data.get("methods", [])]
    if "agreement" in data:
        facts.append(f"a {data['agreement']['kind']} stands open")
    if "preset" in data:
        facts.append(f"rules: `policies/{data['preset']}.toml`")
    if not data.get("verified", True):
        facts.append("has not shown who they are")
    facts += [f"rules: `{new}`" for new in data.get("policy", {}).values() if "\n" not in new]
    return " · ".join(fact if "`" in fact else _plain(fact) for fact in facts)


def _loans(person: Mapping[str, Any]) -> list[dict[str, Any]]:
    known = builders.loan.__kwdefaults__ or {}
    columns = {"currency", "product"}
    return [
        {key: value for key, value in loan.items() if key in known or key in columns}
        for loan in person.get("loans", [{}])
    ]


def _loan_words(loan: Any, today: date) -> str:
    owed: Decimal = sum((i.open for i in loan.instalments), loan.late_charges)
    late = [i for i in loan.instalments if i.open > 0 and i.due_on < today]
    if owed == 0:
        return "a loan that is paid off"
    words = f"owes {owed} {loan.currency}"
    return f"{words}, {loan.due(today)} of it late" if late else words


def conversation_lines(case: Case, happened: Iterable[Row]) -> Iterator[str]:
    """One conversation as a table that can be unfolded."""
    yield f"<details><summary>{FLAGS[case.language]} · {_html(case.name)}</summary>"
    yield ""
    yield _about(case)
    yield ""
    yield "| borrower | Repayline | understood → done |"
    yield "|:---|:---|:---|"
    for row in happened:
        yield f"| {row.borrower} | {row.line} | {row.noted} |"
    yield ""
    yield "</details>"
    yield ""


def _html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def pages(then: Then | None = None) -> dict[Path, str]:
    """The pages by their place: the overview with an example each, and one for each topic."""
    shown = _played(then)
    made = {PAGE: "\n".join(_overview(shown))}
    for topic in _topics():
        made[FOLDER / f"{topic}.md"] = "\n".join(_topic_page(topic, shown))
    return made


def _topics() -> list[str]:
    there = {case.topic for case in cases()}
    return [topic for topic in TOPICS if topic in there]


def _played(then: Then | None) -> dict[int, list[Row]]:
    """What happened in each conversation, by its place among them.

    One engine plays them all: what it has compiled for one serves the next.
    """
    memory = Path("/dev/shm")  # where it can, each commit need not wait for a disk
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as directory:
        path = Path(directory) / "played.db"
        engine = connect(f"sqlite:///{path}")
        Base.metadata.create_all(engine)
        engine.dispose()
        empty, played = path.read_bytes(), {}
        for place, case in enumerate(cases()):
            path.write_bytes(empty)
            played[place] = rows(case, engine, then)
            engine.dispose()
        return played


INTRO = f"""\
# Conversations

What borrowers write, what they are answered, what was understood and what was done: {{count}}
conversations in four languages, as the tests hold them. Each is played on SQLite and on
PostgreSQL with the meaning that it declares, and with the trained model. The texts are
those that are sent; the rules are those of `policy.toml` where nothing else is said.
A conversation unfolds when it is clicked. On this page stands the first of each topic and
language; a topic's own page has them all.

These pages are made from `tests/bot/conversations/` by `{COMMAND}`: change them there.
"""


def _overview(shown: Mapping[int, list[Row]]) -> Iterator[str]:
    yield INTRO.format(count=len(cases()))
    count = Counter((case.topic, case.language) for case in cases())
    yield f"| topic | {' | '.join(LANGUAGE_NAMES.values())} | in all |"
    yield f"|:---|{'---:|' * (len(LANGUAGES) + 1)}"
    for topic in _topics():
        numbers = [count[topic, language] for language in LANGUAGES]
        cells = " | ".join(str(number or "") for number in (*numbers, sum(numbers)))
        yield f"| [{TOPICS[topic][0]}](#{_anchor(TOPICS[topic][0])}) | {cells} |"
    totals = [sum(count[topic, language] for topic in _topics()) for language in LANGUAGES]
    yield f"| in all | {' | '.join(map(str, (*totals, sum(totals))))} |"
    yield ""
    for topic in _topics():
        title, sentence = TOPICS[topic]
        yield from (f"## {title}", "", sentence)
        number = sum(case.topic == topic for case in cases())
        yield f"[All {number} conversations](conversations/{topic}.md)"
        yield ""
        first: set[str] = set()
        for place, case in enumerate(cases()):
            if case.topic == topic and case.language not in first:
                first.add(case.language)
                yield from conversation_lines(case, shown[place])


def _topic_page(topic: str, shown: Mapping[int, list[Row]]) -> Iterator[str]:
    title, sentence = TOPICS[topic]
    yield from (f"# {title}", "", f"{sentence} [All topics](../conversations.md)", "")
    for language in LANGUAGES:
        found = [
            (place, case)
            for place, case in enumerate(cases())
            if (case.topic, case.language) == (topic, language)
        ]
        if found:
            yield from (f"## {LANGUAGE_NAMES[language]}", "")
        for place, case in found:
            yield from conversation_lines(case, shown[place])


def _anchor(title: str) -> str:
    """As the places that show Markdown name a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def stale(made: Mapping[Path, str]) -> list[str]:
    """Pages that are not as they should be, by name."""
    there = {PAGE, *FOLDER.glob("*.md")}
    return sorted(
        path.relative_to(PROJECT).as_posix()
        for path in {*there, *made}
        if not path.is_file() or path.read_text("utf-8") != made.get(path)
    )


def main() -> None:
    """Write the pages, and remove those of topics that are gone."""
    made = pages()
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.glob("*.md"):
        if path not in made:
            path.unlink()
    for path, text in made.items():
        path.write_text(text, "utf-8")
    print(f"{len(cases())} conversations on {len(made)} pages.")


if __name__ == "__main__":
    main()
