"""Every text of the catalogues and the policy, looked at by the guard before anybody reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from babel.messages.pofile import read_po
from babel.numbers import format_currency

from bot import keywords
from bot.guard import content, figures
from bot.guard.decision import MAX_LENGTH
from bot.guard.keys import OPT_OUT_CONFIRMATION, needs_footer
from bot.policy import Policy
from bot.replies import LANGUAGES, LOCALE_DIR, formatting_locale, segments

ON_PAGES = frozenset({"guide", "page"})
"""Topics of web pages: they may be as long as they like."""
SAID_FIRST = frozenset({"followup"})
"""Topics with which the line speaks first: what they may cost stands in the policy."""
MOST_SEGMENTS = 3
"""Of any other text."""
CARRIER_WORDS = frozenset(
    {"STOP", "BAJA", "T", "TD", "START", "ALTA", "HELP", "AYUDA", "帮助", "幫助"}
)
"""Words that carriers hear, which a text may name for what they do."""
NO_ANSWERS = frozenset({"ID", "SMS", "PDF"})
"""Words in capitals that nobody is asked to write."""
FOOTER = "footer.opt_out"
AMOUNT = Decimal("1234.56")
CURRENCIES = {"en": "USD", "es": "USD", "zh_Hans": "CNY", "zh_Hant": "TWD"}
DAYS = {"en": "Sep 23, 2026", "es": "23 sept 2026", "zh_Hans": "2026年9月23日"}

_GAP = re.compile(r"{(\w+)}")
_LINK = re.compile(r"https?://\S+")
_CAPITALS = re.compile(r"(?<![A-Za-zÀ-ÿ])[A-ZÁÉÍÓÚÑ]{2,}(?![A-Za-zÀ-ÿ])")
_LETTER = re.compile(r"(?:回[复覆]?|reply |responda )[“「]?([A-Z])(?![A-Za-z])", re.IGNORECASE)
_QUOTED = re.compile("[“「]([^”」]+)[”」]")
_ASKED = re.compile(
    r"\b(?:reply|write|text|answer|responda|escriba|conteste) (?:con )?[\"“'«]?([^\W\d_]+)", re.I
)
_CHOICE = re.compile(r"_(?:yes|no)$|\.option|\.kind_|\.other$")
REASONS = {
    "threat": "a threat",
    "insult": "an insult",
    "shame": "something that shames people",
    "urgency": "false urgency",
    "lawsuit": "a claim of a lawsuit",
    "arrest": "a claim of arrest or police",
    "garnish": "a claim on wages or property",
    "third_party": "a claim of contact with others",
    "forbidden": "a word that [content] forbids",
}


@dataclass(frozen=True)
class Finding:
    """A text with which something is wrong."""

    where: str
    """The file, or the policy's section."""
    key: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.where}: {self.key} {self.sentence}."


@dataclass(frozen=True)
class Written:
    """A text as a translator wrote it."""

    path: Path
    text: str

    @property
    def gaps(self) -> frozenset[str]:
        """The names in braces."""
        return frozenset(_GAP.findall(self.text))


Texts = Mapping[str, Written]


def findings(policy: Policy, directory: Path = LOCALE_DIR) -> list[Finding]:
    """All that is wrong, file by file."""
    catalogues = {language: _read(directory, language) for language in LANGUAGES}
    found = [
        Finding(_where(directory, written.path), key, sentence)
        for language, texts in catalogues.items()
        for key, written in texts.items()
        for sentence in _faults(key, written.text, language, texts, policy)
    ]
    found += [
        Finding(_where(directory, at), key, sentence)
        for key, at, sentence in _differences(catalogues, directory)
    ]
    for language, text in policy.consequences.items():
        for sentence in (*_unfit(text, policy), *_words(text, language)):
            found.append(Finding("The policy's [consequences]", language, sentence))
    return sorted(found, key=lambda finding: (finding.where, finding.key, finding.sentence))


def _read(directory: Path, language: str) -> dict[str, Written]:
    texts: dict[str, Written] = {}
    for path in sorted((directory / language / "LC_MESSAGES").glob("*.po")):
        with path.open("rb") as stream:
            for entry in read_po(stream, locale=language):
                if entry.id:
                    texts[str(entry.id)] = Written(path, str(entry.string))
    return texts


def _where(directory: Path, path: Path) -> str:
    return path.relative_to(directory.parent.parent).as_posix()


def _faults(key: str, text: str, language: str, texts: Texts, policy: Policy) -> Iterator[str]:
    """What is wrong with a text by itself, as ends of a sentence that begins with its key."""
    if not text.strip():
        yield "is empty"
        return
    said = _with_samples(text, language, policy)
    yield from _unfit(said, policy)
    named = figures.amounts(said, language, freely=True)
    if [amount for amount in named if amount != AMOUNT]:
        yield "names an amount of its own; amounts come from values"
    topic = key.partition(".")[0]
    if topic not in ON_PAGES:
        yield from _costs(key, said, topic, texts, policy)
        yield from _words(text, language)
        if key != FOOTER:
            yield from _choices(key, text, language)


def _unfit(text: str, policy: Policy) -> Iterator[str]:
    fault = content.fault(text, policy.content.forbidden)
    if fault:
        yield f"holds {REASONS[fault.reason]}: “{fault.words}”"


def _costs(key: str, said: str, topic: str, texts: Texts, policy: Policy) -> Iterator[str]:
    first = topic in SAID_FIRST
    if first and needs_footer([key]) and FOOTER in texts:
        said = f"{said}\n{texts[FOOTER].text}"
    most = policy.contact.most_segments if first else MOST_SEGMENTS
    count = segments(said).count
    if count > most:
        with_footer = " with the opt-out line" if first else ""
        yield f"takes {count} segments{with_footer}; {most} are allowed"
    if len(said) > MAX_LENGTH:
        yield f"is longer than {MAX_LENGTH} characters"


def _words(text: str, language: str) -> Iterator[str]:
    """Words that a text tells people to write, and that nobody would hear or that do harm."""
    bare = _LINK.sub(" ", _GAP.sub(" ", text))
    printed = {*_CAPITALS.findall(bare), *_LETTER.findall(bare), *_QUOTED.findall(bare)}
    for word in sorted(printed - NO_ANSWERS):
        heard = keywords.match(word, language, opted_out=True)
        if heard and word.upper() not in CARRIER_WORDS:
            yield f"asks for “{word}”, which carriers take for {heard.upper()}"
        elif not heard and keywords.command(word) is None:
            yield f"names “{word}”, which the line does not know"
    for word in sorted(set(_ASKED.findall(bare)) - printed):
        heard = keywords.match(word, language, opted_out=True)
        if heard and word.upper() not in CARRIER_WORDS:
            yield f"asks for “{word}”, which carriers take for {heard.upper()}"


def _choices(key: str, text: str, language: str) -> Iterator[str]:
    """What stands behind a number in a menu is sometimes written back, word for word."""
    heard = keywords.match(text, language, opted_out=True)
    if heard:
        yield f"is a word that carriers take for {heard.upper()}"
    elif _CHOICE.search(key):
        for word in _CAPITALS.findall(_GAP.sub(" ", text)):
            if keywords.match(word, language, opted_out=True):
                yield f"offers “{word}” as an answer"


def _differences(
    catalogues: Mapping[str, Texts], directory: Path
) -> Iterator[tuple[str, Path, str]]:
    """What one language has and another lacks: keys, gaps, the line that every one needs."""
    every = {key: w for texts in catalogues.values() for key, w in texts.items()}
    gaps = {key: w.gaps for key, w in {**every, **catalogues[LANGUAGES[0]]}.items()}
    for language, texts in catalogues.items():
        for key in sorted((set(every) | {FOOTER, OPT_OUT_CONFIRMATION}) - set(texts)):
            file = every[key].path.name if key in every else "*.po"
            yield key, directory / language / "LC_MESSAGES" / file, "is missing"
        for key, written in texts.items():
            plain, _, tone = key.partition("@")
            if tone and plain not in texts:
                yield key, written.path, f"has no plain text {plain} beside it"
            expected = gaps.get(plain, gaps[key])
            if written.gaps != expected:
                yield key, written.path, _gaps_differ(written.gaps, expected)
        footer = texts.get(FOOTER)
        if footer and not _names_stop(footer.text, language):
            yield FOOTER, footer.path, "names no word that ends the texts"


def _gaps_differ(gaps: frozenset[str], expected: frozenset[str]) -> str:
    lacking = ", ".join(f"{{{name}}}" for name in sorted(expected - gaps))
    strange = ", ".join(f"{{{name}}}" for name in sorted(gaps - expected))
    return " and ".join(
        part
        for part in (f"lacks {lacking}" if lacking else "", f"names {strange}" if strange else "")
        if part
    )


def _names_stop(text: str, language: str) -> bool:
    printed = {*_CAPITALS.findall(text), *_LETTER.findall(text)}
    return any(keywords.match(word, language) == "stop" for word in printed)


def _with_samples(text: str, language: str, policy: Policy) -> str:
    """The text with values of a usual length in its gaps."""
    lender = policy.lender
    amount = format_currency(AMOUNT, CURRENCIES[language], locale=formatting_locale(language))
    name = lender.name
    if language in ("en", "es") and segments(name).encoding != "GSM-7":
        name = "x" * len(name)  # in another script it doubles the price of every text, as is known
    link = "https://sms.lender.example/pay/MTIz.Zm9vYmFyYmF6cXV4cXV1eGZvb2JhcmJh"
    samples = {
        "lender": name,
        "lender_phone": lender.phone,
        "lender_hours": lender.hours,
        "lender_days": lender.days,
        "reminders": str(lender.reminders_a_week),
        # The lender's own words are looked at by themselves; here their length counts.
        "facts": re.sub(r"\S", "x", policy.consequences.get(language, "")),
        "account": policy.payment.transfer_account,
        "name": "Maya" if language in ("en", "es") else "晓雯",
        "product": "business loan" if language in ("en", "es") else "个人贷款",
        "payment_url": link,
        "guide_url": "https://sms.lender.example/guide",
        "helpline": max(policy.helplines.values(), key=len),
        "case_number": "D-00042",
        "reference": "…1234",
        "digits": "1234",
        "address": "sms.lender.example",
        "method": "Visa 4242",
        "moved": "",
        **dict.fromkeys(("count", "hours", "reminders_a_week"), "24"),
        **dict.fromkeys(("days", "overdue"), "14 days" if language in ("en", "es") else "14天"),
    }

    def sample(gap: re.Match[str]) -> str:
        name = gap[1]
        if name.endswith("_on") or name == "wanted":
            return DAYS.get(language, DAYS["zh_Hans"])
        return samples.get(name, amount)

    return re.sub("[\u00a0\u202f]", " ", _GAP.sub(sample, text))
