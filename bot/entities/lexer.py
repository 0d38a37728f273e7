"""From a message to its words: each with its kind, its value and, for numbers, its writing."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bot.entities.codes import code, codes, pattern
from bot.entities.vocabulary import END, plain, trie

MAX_CHARS = 1600
"""The longest message that a gateway hands over; what lies beyond is not read."""

MAX_DIGITS = 12
"""The longest row of figures that can be a quantity."""

NUMBER, SCALE, AND, FEW = code("number"), code("scale"), code("and"), code("few")
MULTIPLE, OVER, NTH, RANK = code("multiple"), code("over"), code("nth"), code("rank")
WEEKDAY = code("weekday")
LAST = code("last")
STOP, WORD, HAN, OPAQUE = code("stop"), code("word"), code("han"), code("opaque")

_HYPHEN = re.compile("(?<=[a-z])-(?=[a-z])")
_LINK = re.compile(r"(?:https?://|www\.)\S+|[\w.+-]+@[\w-]+\.[\w.]+")
_LEXEME = re.compile(
    r"""
    (?P<word> [a-z]+(?:'[a-z]+)?(?![a-z\d]|[_-]\d) )
  | (?P<pause> (?<=[\u3400-\u9fff])[ ]+(?=[\u3400-\u9fff]) )  # a Chinese phone's comma
  | (?P<blank> [^\S\n]+ )
  | (?P<han> [\u3007\u3400-\u9fff\uf900-\ufaff] )
  | (?P<opaque> (?=[\d(+]) (?:                                # telephones, cards, papers
        \+\d[\d\ ().-]{6,}\d
      | \(\d{2,4}\)[\ -]?\d{3,4}[\ -]?\d{4}
      | \d{3}[\ .-]\d{3}[\ .-]\d{4}(?!\d) | \d{3}-\d{4}(?!\d)
      | \d{4}[\ -]\d{4}(?:[\ -]\d{4}){0,2}(?!\d) | 1\d\d[\ -]\d{4}[\ -]\d{4}(?!\d)
      | \d{3}\ \d{2}\ \d{2}\ \d{2}(?!\d) | \d{2}(?:[\ -]\d{2}){3,4}(?!\d)
      | \d{2}\ \d{4}\ \d{4}(?!\d) | [6-9]\d{2}\ \d{3}\ \d{3}(?!\d)
      | \d{2,4}-\d{3,4}-\d{3,4}(?!\d) | \d{3}-\d\d-\d{4} | \d{3,}-\d{3,} | \d+(?:-\d+){3,}
      | 24/7 | 50/50 | ^10-4\b | 401\ ?\(?k\b                   # figures of speech
    ) )
  | (?P<dated>
        \d{4}(?:-\d{1,2}-|/\d{1,2}/|\.\d{1,2}\.)\d{1,2}(?!\d)
      | \d{1,2}(?:-\d{1,2}-|/\d{1,2}/|\.\d{1,2}\.)(?:\d{4}|\d\d)(?!\d)
    )
  | (?P<clock>
        \d{1,2}:\d\d(?::\d\d)?(?:\ ?[ap]\.?m\b\.?)?
      | \d{1,2}(?:\.\d\d)?\ ?[ap]\.?\ ?m\b\.?
      | \d{1,2}h\d\d\b
    )
  | (?P<slash> \d{1,4}[/\u2044]\d{1,4}(?![\d/]) )
  | (?P<span> \d{1,3}\ ?[-~\u2013\u2014]\ ?\d{1,3}(?![\d.,]*\d) )
  | (?P<ordinal> \d{1,2}(?:st|nd|rd|th|ro|do|er|to|ra|da|ta|vo|mo|o|a)\b )
  | (?P<number>
        (?: \d{1,3}(?:[.,']\d{3})+(?:[.,]\d{1,2})?
          | \d{1,3}(?:\ \d{3})+(?:[.,]\d\d)?(?=\ ?(?:€|eur|mxn|cop|clp|ars|pesos|\$))
          | \d{1,12}(?:[.,]\d{1,2})?
          | [.]\d\d?
        )(?![.,']?\d)
    )
  | (?P<digits> \d[\d.,']* )
  | (?P<glued> [a-z]+[-_]?\d[a-z\d_-]* )
  | (?P<letters> [a-z]+(?:'[a-z]+)? )
  | (?P<other> [\s\S] )
    """,
    re.VERBOSE,
)
_LETTERS = re.compile("[a-z]+")
_MAGNITUDES = {"k": 1000, "m": 1000000}


@dataclass
class Words:
    """The words of one message: their shape and, at the same places, values and texts.

    ``written`` holds the digits of a number that was written in digits, else "".
    """

    shape: str
    values: list[Any]
    written: list[str]

    def mark(self, start: int, end: int, kind: str) -> None:
        """Give words that have been read another kind, so that nothing else reads them."""
        self.shape = self.shape[:start] + kind * (end - start) + self.shape[end:]


@dataclass
class _Lexemes:
    codes: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def add(self, kind: str, value: Any, text: str) -> None:
        self.codes.append(kind)
        self.values.append(value)
        self.texts.append(text)


_KIND = {name: code(name) for name in ("opaque", "dated", "clock", "slash", "span", "ordinal")}
_KIND["digits"] = OPAQUE
_WORDLIKE = {"word": WORD, "letters": WORD, "han": HAN, "pause": STOP, "other": STOP}
_GLUED = codes("scale currency pay cue id choice month weekday ordinal")
_EITHER = pattern("number [or to] number (?= [more odd]* classifier? (?:unit|hour|part|sunmark))")
# "上" is "last" before a time alone: "上周五", but "我在上班".
_ABOVE = pattern("above (?= weekday|unit|monthmark|yearmark|time|part|number classifier? unit)")
_ABBREVIATED = codes("month weekday choice id")


def read(text: str, language: str) -> Words:
    """Return the words of a text, in the vocabulary of its language before the others'."""
    text = _HYPHEN.sub(" ", _LINK.sub(";", plain(text[:MAX_CHARS])[:MAX_CHARS]))
    lexemes = _split(text, trie(language))
    words = _numbers(_known(lexemes, trie(language)))
    words.shape = _ABOVE.sub(LAST, words.shape)
    words.shape = _EITHER.sub(lambda found: FEW * len(found[0]), words.shape)
    return words


def _split(text: str, root: dict[str, Any]) -> list[tuple[str, Any, str]]:
    """Return (code, value, text) of every lexeme; words have no kind yet."""
    lexemes: list[tuple[str, Any, str]] = []
    at = 0
    while at < len(text):
        found = _LEXEME.match(text, at)
        assert found is not None  # the last alternative takes anything
        name, lexeme, at = found.lastgroup or "", found[0], found.end()
        if name == "number":
            value = to_decimal(lexeme)
            if text[at : at + 1] in _MAGNITUDES and not _LETTERS.match(text, at + 1):
                value = Decimal(int(value * _MAGNITUDES[text[at]]))
                at += 1
            lexemes.append((NUMBER, value, lexeme))
        elif name == "glued":
            prefix = _LETTERS.match(lexeme)
            assert prefix is not None
            if root.get(prefix[0], {}).get(END, "?")[0] in _GLUED:  # "usd500", "loan48213"
                lexemes.append((WORD, None, prefix[0]))
                at = found.start() + prefix.end()
            else:
                lexemes.append((OPAQUE, None, lexeme))
        elif name in _WORDLIKE:
            lexemes.append((_WORDLIKE[name], None, lexeme))
        elif name != "blank":
            lexemes.append((_KIND[name], lexeme, lexeme))
    return lexemes


def to_decimal(digits: str) -> Decimal:
    """Return the number that is written "1,200", "2.340,50", "1'500" or "50,5".

    A separator before exactly three last digits parts thousands, whatever the country: amounts
    have two decimals or none.
    """
    *whole, last = re.split(r"[.,' ]", digits)
    if (whole and len(last) != 3) or whole == ["0"]:
        return Decimal(f"{''.join(whole)}.{last}")
    return Decimal("".join((*whole, last)))


def _known(lexemes: list[tuple[str, Any, str]], root: dict[str, Any]) -> _Lexemes:
    """Return the lexemes with the longest phrases that the vocabularies know put together."""
    known = _Lexemes()
    at = 0
    while at < len(lexemes):
        kind, value, text = lexemes[at]
        end, node, to = 0, root.get(text), at + 1
        bound = bool(known.codes) and _is_bound(known, text)
        after_figure = (
            bool(known.texts)
            and known.texts[-1] in _FIGURES
            and known.codes[-2:-1] != [OVER]  # "四分之三周五"
        )
        while node is not None:
            single = bound and to > at + 1
            week = after_figure and END in node and node[END][0] == WEEKDAY  # "一礼拜一次"
            if END in node and not single and not week:
                (kind, value), end = node[END], to
            node = node.get(lexemes[to][2]) if to < len(lexemes) else None
            to += 1
        if not end:
            end = at + 1
            if kind == STOP and text == "." and known.codes and known.codes[-1] in _ABBREVIATED:
                at = end
                continue  # "nov. 5", "no. 2"
        known.add(kind, value, text)
        at = end
    return known


def _is_bound(known: _Lexemes, text: str) -> bool:
    """Tell whether a Han figure belongs to what stands before it: "第一种", "二十一块"."""
    kind, value, before = known.codes[-1], known.values[-1], known.texts[-1]
    return text in _FIGURES and (
        kind == NTH or (kind in (NUMBER, SCALE) and value in (10, 20, 30) and _is_han(before))
    )


_FIGURES = frozenset("一二三四五六七八九两兩")


def _numbers(lexemes: _Lexemes) -> Words:
    """Return the words with every run of numerals made one number."""
    shape: list[str] = []
    values: list[Any] = []
    written: list[str] = []
    at = 0
    while at < len(lexemes.codes):
        kind, value, digits, end = lexemes.codes[at], lexemes.values[at], "", at + 1
        if kind in (NUMBER, SCALE):
            kind, value, digits, end = _numeral(lexemes, at)
            if shape and shape[-1] == NTH:
                shape[-1], values[-1], at = RANK, int(value), end
                continue
        elif kind == FEW and lexemes.codes[end : end + 1] in ([SCALE], [MULTIPLE]):
            end = _numeral(lexemes, end)[3]  # "a few hundred", "几百"
        shape.append(kind)
        values.append(value)
        written.append(digits)
        at = end
    return Words("".join(shape), values, written)


def _numeral(lexemes: _Lexemes, at: int) -> tuple[str, Decimal, str, int]:
    """Return (code, value, digits, end) of the numeral that begins here.

    Numerals add up in groups that a scale multiplies, as they do in all our languages: "two
    thousand three hundred", "dos mil trescientos", "两千三百"; in Chinese a last bare digit counts
    in tenths of the scale before it: "两千三" is 2,300.
    """
    begin, total, group = at, Decimal(0), Decimal(0)
    pending: Decimal | None = None
    scale, vague, zero, digits_in_a_row = 0, False, False, 0
    while at < len(lexemes.codes):
        kind, text = lexemes.codes[at], lexemes.texts[at]
        if kind == NUMBER and digits_in_a_row < MAX_DIGITS:
            value = Decimal(lexemes.values[at])
            digits_in_a_row += 1
            if pending is None:
                if at > begin and not scale:
                    break
                pending = value
            elif _is_digits(text) or _is_digits(lexemes.texts[at - 1]):
                break
            elif _adds_to(pending, value) and (not _is_han(text) or lexemes.values[at - 1] >= 20):
                pending += value
            elif not _is_han(text):
                break
            elif not pending and scale:
                pending, zero = value, True  # "一千零五十"
            else:
                pending = pending * 10 + value  # "二零二六"
                vague = digits_in_a_row == 2 and value > 0
        elif kind in (SCALE, MULTIPLE):
            value = Decimal(lexemes.values[at])
            if value >= (10000 if _is_han(text) else 1000):
                total += (group + (pending or 0) or 1) * value
                group = Decimal(0)
            else:
                group += (1 if pending is None else pending or 1) * value
            pending, scale, digits_in_a_row = None, int(value), 0
        elif kind == FEW and scale and _is_han(text):
            vague = True  # "十几"
        elif kind == AND and _joins(lexemes, at, pending, scale):
            pass
        else:
            break
        at += 1
    if pending is not None and scale >= 100 and not zero and pending < 10:
        in_chinese = scale == 10000 or any(map(_is_han, lexemes.texts[at - 2 : at]))
        pending *= scale // 10 if in_chinese else 1
    digits = lexemes.texts[begin] if at == begin + 1 and lexemes.codes[begin] == NUMBER else ""
    value = total + group + (pending or 0)
    return (FEW if vague else NUMBER), value, digits if _is_digits(digits) else "", at


def _adds_to(tens: Decimal, units: Decimal) -> bool:
    """Tell whether two numerals side by side add up: "twenty five", "ciento veinte", "廿五"."""
    return tens >= 20 and units > 0 and tens % (10 if units < 10 else 100) == 0


def _joins(lexemes: _Lexemes, at: int, pending: Decimal | None, scale: int) -> bool:
    """Tell whether "and" stands inside a numeral: "two hundred and five", "treinta y dos"."""
    if lexemes.codes[at + 1 : at + 2] != [NUMBER] or _is_digits(lexemes.texts[at + 1]):
        return False
    if pending is None:
        return bool(scale)
    return pending >= 30 and pending % 10 == 0 and lexemes.values[at + 1] < 10


def _is_digits(text: str) -> bool:
    return text[:1] in "0123456789." and text != ""


def _is_han(text: str) -> bool:
    return text > "\u2fff"
