"""Sums of money, and shares of the balance."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from bot.entities.codes import code, codes, pattern
from bot.entities.lexer import Words
from bot.entities.reading import Found, clause, finds, is_past

MOST = Decimal(10) ** 10
"""No loan of ours is larger; what is, is some other number."""

_ANY = pattern("[number share half all all_weak slash]")
_READ = code("opaque")
_IDENTIFIED = pattern(
    "[id street] [id hash choice the in cue on no]{0,3} number (?! currency)"
    "|at number (?! currency)|hash number|number clock|yearmark number|number yearmark"
    "|since [the]? number|number [counter street daymark]"
)
_SUM = pattern(
    "number the? currency (?: number (?! currency|scale|unit|part|time))?|currency number"
)
_BARE = pattern(
    "number (?! [unit hour part time counter street percent percent_of clock month classifier"
    " yearmark monthmark daymark tenth currency over number half])"
)
_ALONE = pattern("^ [ok stop pronoun tail cue few]* number [ok stop tail odd]* $")
_DIRECT = pattern("(?:pay|paid|part the|part) [pronoun few cue odd the le tail ok all_weak]{0,3} $")
_LED = pattern("cue [pronoun ok tail few odd the will article le]{0,2} $")
_STARTS = pattern("(?:^|stop|and|will|article|rest|now|date|later) [ok pronoun few will]{0,3} $")
_FOLLOWED = pattern(
    "[date now rest not no and pay]|[until before] [the on el from]* date"
    "|[tail the el each]* [the el each article] unit"
    "|[tail will ok cue odd on the el or to until of_it pronoun]* (?:stop|date|now|$)"
)
_TAIL = codes("tail")
_IN_YEAR = pattern("[in since on from until before month the el date]+ $")
_RATED = pattern("rate [the cue]{0,2} $")
_SHARES = tuple(
    (pattern(shape), kind)
    for shape, kind in (
        ("share", "share"),
        ("half (?! article? (?:unit|hour|monthmark|classifier|number)|word|han|sunmark)", "half"),
        ("number percent|percent_of number", "percent"),
        ("number over number", "over"),
        ("number tenth", "tenth"),
        ("slash", "slash"),
        ("all", "all"),
        ("all_weak (?! number|currency)", "all_weak"),
    )
)
_PAY, _ALL = codes("pay"), code("all")
_SHARE_FOLLOWED = pattern("[of_it now date rest]|on date|the? date")
_HINDERED = codes("rate asking")
_NEAR_PAY = pattern("pay [pronoun the ok will of_it]{0,3} $")
_SHARE_ALONE = pattern(
    "^ [ok stop the el tail now date rest pay will pronoun until on share half all all_weak"
    " of_it number percent percent_of over tenth slash and cue]* $"
)
_NOT, _UNTIL = codes("not no"), codes("until")


def read(words: Words, balance: Decimal | None) -> Decimal | None:
    """Return the sum that the message names for paying, else the first that it names."""
    if not _ANY.search(words.shape):
        return None
    for found in finds(words, _IDENTIFIED):
        words.mark(found.start, found.end, _READ)
    candidates = _sums(words)
    candidates += _bare(words)
    if balance is not None:
        candidates += _shares(words, balance)
    sums = [c for c in candidates if 0 < c[2] < MOST]
    return min(sums)[2] if sums else None


Candidate = tuple[int, int, Decimal]
"""Rank (lower is better), place, sum."""


def _sums(words: Words) -> list[Candidate]:
    """Return the sums written with their currency."""
    candidates: list[Candidate] = []
    for found in finds(words, _SUM):
        numbers = found.all("number")
        value, end = Decimal(numbers[0]), found.end
        if len(numbers) == 2:
            if words.written[found.end - 1] or not 0 < numbers[1] < 10:
                end -= 1  # the number behind is another one
            else:
                value += numbers[1] / 10  # "三块五"
        begin, _ = clause(words.shape, found.start)
        before = words.shape[begin : found.start]
        settling = words.shape[end : end + 1] == _ALL  # "400块一次结清"
        direct = settling or bool(_PAY & set(before[-5:]))
        paying = direct and not is_past(words.shape, found.start, end)
        rated = bool(_RATED.search(before))
        candidates.append((-1 - 2 * paying + rated, found.start, value))
        words.mark(found.start, end, _READ)
    return candidates


def _bare(words: Words) -> list[Candidate]:
    """Return the numbers that are sums by what stands around them."""
    shape = words.shape
    candidates: list[Candidate] = []
    for found in finds(words, _BARE):
        value, written = Decimal(words.values[found.start]), words.written[found.start]
        if not _may_be_sum(value, written):
            continue
        small = value < 10 and "." not in written and "," not in written
        if _ALONE.match(shape):
            if not small:
                candidates.append((-3, found.start, value))
            continue
        begin, end = clause(shape, found.start)
        before, after = shape[begin : found.start], shape[found.end : end]
        direct = bool(_DIRECT.search(before))
        if small:
            fits = direct and written != "" and bool(_FOLLOWED.match(after))  # "uno el 13"
        elif direct:
            fits = True
        elif _is_year(written) and _IN_YEAR.search(before):
            fits = False
        else:
            led = bool(_LED.search(before))
            fits = (led or bool(_STARTS.search(before))) and bool(
                _FOLLOWED.match(after) or (led and after[:1] in _TAIL)
            )
        if fits:
            paying = direct and not is_past(shape, found.start, found.end)
            candidates.append((-2 * paying, found.start, value))
    return candidates


def _may_be_sum(value: Decimal, written: str) -> bool:
    """Tell whether figures may be money at all, and no telephone or contract number."""
    if written.startswith("0") and not written.startswith(("0.", "0,")):
        return False
    return value > 0 and not (written.isdigit() and len(written) >= 7 and value % 1000)


def _is_year(written: str) -> bool:
    return len(written) == 4 and written.isdigit() and 1930 <= int(written) <= 2039


def _shares(words: Words, balance: Decimal) -> list[Candidate]:
    """Return shares of the balance, where the message is about paying them."""
    shape = words.shape
    candidates: list[Candidate] = []
    alone = bool(_SHARE_ALONE.match(shape))
    for what, kind in _SHARES:
        for found in finds(words, what):
            share = _share(found, kind)
            begin, end = clause(shape, found.start)
            before, after = shape[begin : found.start], shape[found.end : end]
            if (
                share is None
                or _HINDERED & set(before + after)
                or _NOT & set(before)
                or before[-1:] in _UNTIL
            ):
                continue
            if is_past(shape, found.start, found.end):
                continue
            if kind == "all_weak":
                meant = bool(_NEAR_PAY.search(before)) or after[:1] in _PAY
            else:
                meant = bool(
                    _PAY & set(before + after) or found.first("all") or _SHARE_FOLLOWED.match(after)
                )
            if meant or (alone and words.values[found.start] != 100):  # "100%" alone is a yes
                value = balance * share.numerator / share.denominator
                rank = -1 if kind == "all_weak" else -2
                candidates.append((rank, found.start, value.quantize(_CENT, ROUND_HALF_UP)))
    return candidates


_CENT = Decimal("0.01")


def _share(found: Found, kind: str) -> Fraction | None:
    """Return the share as a fraction between nothing and all, or None."""
    numbers = [Fraction(n) for n in found.all("number")]
    if kind == "share":
        return Fraction(found.first("share"))
    if kind == "half":
        return Fraction(1, 2)
    if kind in ("all", "all_weak"):
        return Fraction(1)
    if kind == "slash":
        part, whole = (int(n) for n in re.findall(r"\d+", found.first("slash")))
        if not 0 < part < whole <= 10:
            return None  # "99/99" is no way to name a share
        numbers = [Fraction(whole), Fraction(part)]
    if kind in ("slash", "over"):
        share = numbers[1] / numbers[0] if numbers[0] else Fraction(0)
    else:
        share = numbers[0] / (100 if kind == "percent" else 10)
    return share if 0 < share <= 1 else None
