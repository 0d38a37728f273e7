"""A reply's key and values, in a language: the text that goes out, and what it costs.

Every word that a borrower reads stands in the gettext catalogues below ``bot/locale``; Babel
writes amounts, dates and lengths of time as the borrower's locale does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton, format_time
from babel.messages.pofile import read_po
from babel.numbers import format_currency
from babel.units import format_unit

from bot.turn import Days, Money, Reply, ShortDay

LOCALE_DIR = Path(__file__).parent / "locale"
LANGUAGES = ("en", "es", "zh_Hans", "zh_Hant")
DEFAULT_TERRITORY = {"en": "en_US", "es": "es_US", "zh_Hans": "zh_Hans_CN", "zh_Hant": "zh_Hant_TW"}
"""How a bare language writes amounts and dates."""


class MissingReplyError(KeyError):
    """A catalogue lacks a key."""


def language_of(locale: str) -> str:
    """The catalogue of a locale: ``es`` of ``es_MX``, ``zh_Hant`` of ``zh_TW`` and ``zh_HK``."""
    parts = locale.replace("-", "_").split("_")
    if parts[0] == "zh":
        traditional = "Hant" in parts or ("Hans" not in parts and {"TW", "HK", "MO"} & set(parts))
        return "zh_Hant" if traditional else "zh_Hans"
    return parts[0] if parts[0] in LANGUAGES else "en"


@cache
def formatting_locale(locale: str, country: str = "") -> Locale:
    """How amounts and dates are written: the language with its territory, if it has one."""
    language = language_of(locale)
    for name in (locale.replace("-", "_"), f"{language}_{country}"):
        if name.count("_") > language.count("_"):
            try:
                return Locale.parse(name)
            except (UnknownLocaleError, ValueError):
                continue
    return Locale.parse(DEFAULT_TERRITORY[language])


class Catalogues:
    """All languages' texts, read once.

    Args:
        directory: a folder for each language.
        tone: where a key has a text of its own for this tone (``balance.late@formal``), that is it.

    """

    def __init__(self, directory: Path = LOCALE_DIR, tone: str = "warm") -> None:
        self._tone = tone
        self._texts = {language: _read(directory, language) for language in LANGUAGES}

    def text(self, key: str, locale: str) -> str:
        """The bare text of a key, with its named gaps."""
        texts = self._texts[language_of(locale)]
        text = texts.get(f"{key}@{self._tone}") or texts.get(key)
        if text is None:
            raise MissingReplyError(f"{key} is missing in the catalogue {language_of(locale)}")
        return text

    def render(
        self,
        reply: Reply,
        locale: str,
        *,
        country: str = "",
        given: Mapping[str, Any] | None = None,
    ) -> str:
        """The text of a reply.

        Args:
            reply: what to say.
            locale: the borrower's language, with or without a territory.
            country: the borrower's, for formats where the locale has no territory.
            given: values for every reply: the lender's name, what effects made.

        Raises:
            MissingReplyError: the key, or a value that the text names, does not exist.

        """
        formats = formatting_locale(locale, country)
        values = {**(given or {}), **reply.values}
        said = {
            name: self.render(value, locale, country=country, given=given)
            if isinstance(value, Reply)
            else _written(value, formats)
            for name, value in values.items()
        }
        try:
            text = self.text(reply.key, locale).format_map(said)
        except KeyError as error:
            raise MissingReplyError(f"{reply.key} names {error}, which nobody gave") from error
        options = (
            f"{number}) {self.render(option, locale, country=country, given=given)}"
            for number, option in enumerate(reply.options, 1)
        )
        return "\n".join((text, *options))


def _read(directory: Path, language: str) -> dict[str, str]:
    """A language's texts by key, straight from its ``.po`` files: there is nothing to compile."""
    texts: dict[str, str] = {}
    for path in sorted((directory / language / "LC_MESSAGES").glob("*.po")):
        with path.open("rb") as stream:
            for entry in read_po(stream, locale=language):
                if entry.id and entry.string:
                    if entry.id in texts:
                        raise ValueError(f"{path}: {entry.id} stands in another file, too")
                    texts[str(entry.id)] = str(entry.string)
    return texts


def _written(value: Any, formats: Locale) -> str:
    """A value as the locale writes it, with plain spaces: U+202F would double an SMS's price."""
    if isinstance(value, Money):
        text = format_currency(value.amount, value.currency, locale=formats)
    elif isinstance(value, Days):
        # Chinese has no long form of its own.
        short = formats.language == "zh"
        text = format_unit(
            value.count, "duration-day", length="short" if short else "long", locale=formats
        )
    elif isinstance(value, ShortDay):
        text = format_skeleton("MMMd", value.day, locale=formats)
    elif isinstance(value, datetime):
        day = format_skeleton("MMMEd", value, value.tzinfo, locale=formats)
        hour = format_time(value, "short", value.tzinfo, locale=formats)
        text = f"{day} {hour}" if formats.language == "zh" else f"{day}, {hour}"
    elif isinstance(value, date):
        text = format_date(
            value, format="long" if formats.language == "zh" else "medium", locale=formats
        )
    else:
        text = str(value)
    return re.sub("[\u00a0\u202f]", " ", text)


_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_TWO = frozenset("^{}\\[~]|€\f")


@dataclass(frozen=True)
class Segments:
    """What a text costs: the number of parts, and the alphabet that decides their length."""

    count: int
    encoding: str


def segments(text: str) -> Segments:
    """Count a text's parts as carriers bill them.

    GSM 03.38: 160 characters, 153 in each part of several, some characters count twice. One
    character outside it makes the text UCS-2: 70 UTF-16 units, or 67. A character of two units
    is never split between parts.
    """
    if all(c in _GSM or c in _GSM_TWO for c in text):
        sizes = [2 if c in _GSM_TWO else 1 for c in text]
        return Segments(_parts(sizes, 160, 153), "GSM-7")
    sizes = [2 if ord(c) > 0xFFFF else 1 for c in text]
    return Segments(_parts(sizes, 70, 67), "UCS-2")


def _parts(sizes: list[int], alone: int, joined: int) -> int:
    if sum(sizes) <= alone:
        return 1
    count, used = 1, 0
    for size in sizes:
        if used + size > joined:
            count, used = count + 1, 0
        used += size
    return count
