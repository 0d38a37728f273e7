"""The amounts that a text names, and whether each of them stands in the books."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal

from bot.entities import lexer
from bot.entities.codes import pattern
from bot.entities.reading import finds
from bot.policy import Policy
from bot.replies import language_of
from bot.turn import LoanView, Money, Reply

_LINK = re.compile(r"\S+://\S+")
_CODES = "usd|eur|gbp|mxn|cop|ars|clp|pen|cad|cny|rmb|twd|ntd|hkd"
_SIGNS = "$€£¥₱"
_NUMBER = re.compile(r"\d{1,3}(?:[.,']\d{3})+(?!\d)(?:[.,]\d\d?(?!\d))?|\d+(?:[.,]\d\d?(?!\d))?")
_WIDE = str.maketrans("０１２３４５６７８９．￥＄\u202f\u00a0", "0123456789.¥$  ")
_BEFORE = re.compile(rf"(?:[{_SIGNS}]|\b(?:{_CODES})) ?\Z")
_AFTER = re.compile(
    rf" ?[万萬千k]? ?(?:[{_SIGNS}](?! ?\d)|[元圆圓块塊]|[美港日]元|[港台臺][币幣]"
    rf"|新[台臺]|人民[币幣]|(?:{_CODES}|bucks|dollars?|d[oó]lar(?:es)?|pesos?|euros?|pounds?|yuan)\b)"
)
_SCALED = re.compile(" ?([万萬千k])(?![a-z])")
_SCALES = {"万": 10000, "萬": 10000, "千": 1000, "k": 1000}
_WITH_CENTS = re.compile(r"\d{1,3}(?:[.,']\d{3})+[.,]\d\d|\d+[.,]\d\d")
_WITH_THOUSANDS = re.compile(r"\d{1,3}(?:[.,']\d{3})+")
MOST_DIGITS = 9
"""A longer bare number is a telephone's or a contract's."""
_NO_SUM = re.compile(r" ?(?:[%％)]|h\b|a\.?m\b|p\.?m\b|[:/.-]\d|[时時点點])")
_LED = re.compile(
    r"(?:\b(?:owe|owes|pay|paying|balance(?: of| is)?|amount(?: of| is)?|debe|adeuda|pag(?:ar|ue|a)"
    r"|saldo(?: de| es)?|monto(?: de)?|importe(?: de)?)"
    r"|欠款?|[还還付缴繳]款?|[余餘][额額])[:： ]*\Z"
)
_COUNTED = re.compile(
    r" ?(?:days?|weeks?|months?|years?|hours?|parts?|payments?|times?|instal|d[ií]as?|semanas?|mes"
    r"|horas?|a[nñ]os?|partes?|pagos?|cuotas?|veces|[天日周週月年期次个個笔筆号號]|小[时時]|%)"
)
_SPELT = re.compile(
    r"[a-zñáéíóú] (?:dollars|bucks|d[oó]lares|pesos|euros|pounds|yuan)\b"
    r"|(?<![\d.一二两兩三四五六七八九十百千万萬])[一二两兩三四五六七八九十百千万萬]+(?:[元块塊圆圓]|[美港日]元|[港台臺][币幣])"
)
_SUM = pattern("number the? currency")


def amounts(text: str, locale: str = "en", *, freely: bool = False) -> tuple[Decimal, ...]:
    """The amounts of money that a text names: with their currency, or with cents.

    Args:
        text: the text.
        locale: the language that it is written in.
        freely: a person wrote it. There "1,234", "you owe 500" and "five hundred dollars" are
            amounts, too; days, years, telephones and shares are none.

    """
    plain = text.lower()
    if not plain.isascii():
        plain = plain.translate(_WIDE)
    if "://" in plain:
        plain = _LINK.sub(" ", plain)
    found = list(_in_digits(plain, freely=freely))
    if freely and _SPELT.search(plain):
        found += _in_words(plain, language_of(locale))
    return tuple(found)


def unknown(
    named: Iterable[Decimal], replies: Iterable[Reply], loans: Iterable[LoanView], policy: Policy
) -> tuple[Decimal, ...]:
    """Those of the amounts that stand neither in what was to be said, nor in the books.

    Args:
        named: as ``amounts`` finds them.
        replies: what the text was made of: their values are known.
        loans: the borrower's.
        policy: the lender's own figures.

    """
    rest = [amount for amount in named if amount > 0]
    for known in (_in_values(replies), _in_books(loans), _in_policy(policy)):
        if not rest:
            break
        there = set(known)
        rest = [amount for amount in rest if amount not in there]
    return tuple(rest)


def _in_digits(text: str, *, freely: bool) -> Iterator[Decimal]:
    for found in _NUMBER.finditer(text):
        before, after = text[max(0, found.start() - 16) : found.start()], text[found.end() :]
        priced = _AFTER.match(after)
        if priced or _BEFORE.search(before):
            scale = _SCALED.match(after)
            yield lexer.to_decimal(found[0]) * (_SCALES[scale[1]] if scale else 1)
        elif _NO_SUM.match(after) or (before[-1:] in ":/.-#+…" and before):
            continue
        elif _WITH_CENTS.fullmatch(found[0]) or (freely and _is_bare_sum(found[0], before, after)):
            yield lexer.to_decimal(found[0])


def _is_bare_sum(number: str, before: str, after: str) -> bool:
    if _WITH_THOUSANDS.fullmatch(number):
        return True
    return bool(_LED.search(before)) and not _COUNTED.match(after) and len(number) < MOST_DIGITS


def _in_words(text: str, language: str) -> Iterator[Decimal]:
    """Amounts such as "five hundred dollars", "五百元"."""
    words = lexer.read(text, language)
    for found in finds(words, _SUM):
        if not words.written[found.start]:
            yield Decimal(found.first("number"))


def _in_values(replies: Iterable[Reply]) -> Iterator[Decimal]:
    for reply in replies:
        for value in reply.values.values():
            if isinstance(value, Money):
                yield value.amount
            elif isinstance(value, Decimal):
                yield value
            elif isinstance(value, Reply):
                yield from _in_values((value,))
            elif isinstance(value, str):
                yield from amounts(value)
        yield from _in_values(reply.options)


def _in_books(loans: Iterable[LoanView]) -> Iterator[Decimal]:
    for loan in loans:
        yield from (loan.balance, loan.past_due, loan.due_amount, loan.late_charges)
        yield from (part.amount for part in loan.unpaid)
        if loan.promise:
            yield loan.promise.amount
        if loan.agreement:
            yield from (loan.agreement.amount, loan.agreement.forgiven)


def _in_policy(policy: Policy) -> Iterator[Decimal]:
    yield from (policy.payment.minimum, policy.extension.fee)
    yield from (policy.promise.smallest, policy.plan.smallest_part)
    for language, text in policy.consequences.items():
        yield from amounts(text, language)
