"""Amounts, dates, durations, counts and options; what must not be read is in the tables too."""

import datetime
import time
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bot.entities import Entities, extract
from bot.entities.codes import KINDS
from bot.entities.vocabulary import LANGUAGES, phrases
from bot.nlu.language import detect

NOW = datetime.datetime(2026, 11, 4, 15, tzinfo=datetime.UTC)  # a Wednesday
LOCALES = {"en": "en_US", "es": "es_MX", "zh_Hans": "zh_Hans", "zh_Hant": "zh_Hant_TW"}
DATA = Path(__file__).parent / "data" / "entities"
FIELDS = Entities.__dataclass_fields__


def cases():
    for path in sorted(DATA.glob("*.yml")):
        language = path.stem.split(".")[0]
        for section in yaml.safe_load(path.read_text("utf-8")):
            given = {"locale": LOCALES[language], **section.get("given", {})}
            expected = section.get("read", {}) | {text: {} for text in section.get("nothing", ())}
            for text, fields in expected.items():
                name = f"{path.stem}, {section['about']}: {text}"
                yield pytest.param(text, given, fields, id=name)


def read(text, **given):
    given = {"now": NOW, "balance": Decimal("1000.01"), **given}
    return extract(text, language=detect(text).code, **given)


@pytest.mark.parametrize(("text", "given", "fields"), list(cases()))
def test_a_message_is_read_exactly(text, given, fields):
    found = read(text, **given)
    named = {name: getattr(found, name) for name in FIELDS if getattr(found, name) is not None}
    expected = {
        name: Decimal(str(value)) if name == "amount" else value for name, value in fields.items()
    }
    assert named == expected


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_phrase_has_one_known_kind(language):
    seen = {}
    for kind, _, phrase in phrases(language):
        assert phrase
        assert kind in KINDS
        assert seen.setdefault(phrase, kind) == kind


def texts():
    words = [phrase for language in LANGUAGES for _, _, phrase in phrases(language)]
    pieces = st.sampled_from(words) | st.integers(0, 99999).map(str) | st.text(max_size=3)
    return st.lists(pieces, max_size=12).map(" ".join) | st.text(max_size=80)


@given(texts(), st.sampled_from(sorted(LOCALES.values())), st.booleans())
def test_whatever_is_written_what_is_read_makes_sense(text, locale, menu):
    found = read(text, locale=locale, menu=menu)
    assert found.amount is None or found.amount > 0
    assert found.date is None or found.date >= NOW.date()
    assert found.duration_days is None or found.duration_days > 0
    assert found.count is None or found.count > 1
    assert found.option is None or (menu and found.option > 0)


HOSTILE = [
    "9",
    "1,",
    "1 ",
    "三",
    "亿",
    "half ",
    "$1 ",
    "(",
    ".",
    "una ",
    "on the ",
    "百分之",
    "周五",
]
HOSTILE += ["friday ", "no ", "2 weeks ", "a-1", "+1-", "@a", "now. ", "pay 1 ", "\ufdfa", "\u0301"]


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_hostile_text_is_read_in_bounded_time(piece):
    start = time.process_time()
    read(piece * (5000 // len(piece)))
    assert time.process_time() - start < 0.5


@pytest.mark.parametrize("text", ["0000-00-00", "31/02/2027", "99/99", "0", "$0", "$0.00", "0号"])
def test_what_is_no_day_and_no_sum_is_not_read(text):
    assert read(text) == Entities()


def test_the_last_day_of_all_is_a_day():
    assert read("9999-12-31").date == datetime.date.max


def test_today_is_the_borrower_s_own():
    late = datetime.datetime(2026, 11, 5, 4, tzinfo=datetime.UTC)
    assert read("today", now=late, timezone="America/Los_Angeles").date.day == 4
    assert read("hoy", now=late, timezone="Europe/Madrid").date.day == 5


@pytest.mark.parametrize(
    ("day", "text", "expected"),
    [
        ("2027-01-31", "the 30th", "2027-03-30"),
        ("2027-01-31", "in a month", "2027-02-28"),
        ("2027-01-31", "月底", "2027-01-31"),
        ("2028-02-10", "29 feb", "2028-02-29"),
        ("2026-12-31", "el 1", "2027-01-01"),
        ("2026-11-15", "the 15th", "2026-11-15"),
        ("2026-11-06", "friday", "2026-11-13"),
        ("2026-11-08", "下周一", "2026-11-09"),
        ("2026-11-08", "下周日", "2026-11-15"),
        ("2026-11-15", "en la quincena", "2026-11-30"),
        ("2026-11-30", "en la quincena", "2026-12-15"),
        ("2026-12-20", "5 jan", "2027-01-05"),
        ("2026-12-20", "下个月底", "2027-01-31"),
    ],
)
def test_the_calendar_turns(day, text, expected):
    now = datetime.datetime.fromisoformat(f"{day}T12:00:00+00:00")
    assert str(read(text, now=now).date) == expected
