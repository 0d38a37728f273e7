"""How people say that they want to pay in parts, in four languages."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest

from bot.entities.rates import Rate, read

RATES: dict[str, dict[str, Any]] = {
    "50 a month": {"every_days": 30, "amount": "50"},
    "can i do $50 a week": {"every_days": 7, "amount": "50"},
    "i can do 40 every 2 weeks": {"every_days": 14, "amount": "40"},
    "every other week": {"every_days": 14},
    "$1,200.50 monthly": {"every_days": 30, "amount": "1200.50"},
    "20 biweekly": {"every_days": 14, "amount": "20"},
    "100/month": {"every_days": 30, "amount": "100"},
    "80 a paycheck": {"every_days": 14, "amount": "80"},
    "split it over 4 months": {"every_days": 30},
    "in 3": {"count": 3},
    "can we do it in 4 then": {"count": 4},
    "half now half on the 15th?": {"half": True, "now": True},
    "i cant pay 134 today, can i pay half": {"half": True},
    "i need half a month": {},
    "i need a month": {},
    "in 3 days": {},
    "at 10 a.m. i work": {},
    "can you waive the late fee": {"less": True},
    "50 al mes": {"every_days": 30, "amount": "50"},
    "puedo pagar 1.200,50 por quincena": {"every_days": 15, "amount": "1200.50"},
    "100 cada dos semanas": {"every_days": 14, "amount": "100"},
    "50 mensuales": {"every_days": 30, "amount": "50"},
    "mejor en 3": {"count": 3},
    "la mitad ahora y la mitad el 15": {"half": True, "now": True},
    "a mitad de mes": {},
    "no puedo pagar hoy": {},
    "me hacen un descuento": {"less": True},
    "每月还500": {"every_days": 30, "amount": "500"},
    "一个月还500可以吗": {"every_days": 30, "amount": "500"},
    "每两周还300": {"every_days": 14, "amount": "300"},
    "每半个月还400": {"every_days": 15, "amount": "400"},
    "分6个月还": {"every_days": 30},
    "先还一半，15号再还一半": {"half": True, "now": True},
    "我现在还不了全部": {},
    "三期吧": {"count": 3},
    "我已经还了3期了": {},
    "第3期": {},
    "能减免利息吗": {"less": True},
    "每個禮拜繳300": {"every_days": 7, "amount": "300"},
    "太久了 4期好了": {"count": 4},
    "可唔可以減息": {"less": True},
    "": {},
}


@pytest.mark.parametrize("text", RATES, ids=lambda text: text or "nothing")
def test_what_a_message_says_of_parts(text: str) -> None:
    expected = dict(RATES[text])
    if "amount" in expected:
        expected["amount"] = Decimal(expected["amount"])
    assert read(text) == Rate(**expected)


@pytest.mark.parametrize("piece", ["9", "1,", "每", "half ", "no ", "一个月", "a month ", "1 a "])
def test_a_hostile_text_is_read_in_bounded_time(piece: str) -> None:
    start = time.process_time()
    read(piece * (5000 // len(piece)))
    assert time.process_time() - start < 0.5
