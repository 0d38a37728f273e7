"""Times of day, wishes for texts, days gone by: what is read, and what must not be."""

from __future__ import annotations

import time as clock
from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.entities import past, times, wishes
from bot.entities.wishes import Wishes

READ = {
    "tomorrow at 3": time(15),
    "at 3 pm tomorrow": time(15),
    "call me at 9:30": time(9, 30),
    "3:15pm": time(15, 15),
    "10.30 am": time(10, 30),
    "10ish am": time(10),
    "around 4ish": time(16),
    "after 5": time(17),
    "at ten": time(10),
    "half past three": time(15, 30),
    "quarter to 4": time(15, 45),
    "3 o'clock": time(15),
    "noon works": time(12),
    "tomorrow morning": time(10),
    "15:00": time(15),
    "mañana a las 10": time(10),
    "a la una y media": time(13, 30),
    "a las 3 de la tarde": time(15),
    "a las 8 menos cuarto": time(19, 45),
    "después de las 5": time(17),
    "las 10": time(10),
    "15 hrs": time(15),
    "10h30": time(10, 30),
    "mañana por la mañana": time(10),
    "明天下午三点": time(15),
    "下午3點半": time(15, 30),
    "早上十點一刻": time(10, 15),
    "上午十一點": time(11),
    "十五点": time(15),
    "今晚七点": time(19),
    "一點鐘": time(13),
    "下午1點": time(13),
    "聽日三點": time(15),
    "晏晝兩點": time(14),
    "星期一朝早": time(10),
    "15：30": time(15, 30),
}
NOTHING = [
    *("3", "mañana", "tomorrow", "at 3 dollars", "after 5 days", "at 5%", "in 3 hours"),
    *("en 3 hrs", "pay 200 at once", "i owe 3.50", "on 3/4", "a las 3 cuotas", "every 3 days"),
    *("since 3 months", "12:75", "24:00", "at 25", "at the 3rd", "call 555 010 0000", ""),
    *(
        "便宜一点",
        "能不能快一点还",
        "有一点困难",
        "差一点",
        "利率是3点",
        "两点意见",
        "在3天后",
        "有时候",
    ),
]


@pytest.mark.parametrize(("text", "expected"), READ.items())
def test_a_time_of_day_is_read(text: str, expected: time) -> None:
    assert times.read(text) == expected


@pytest.mark.parametrize("text", NOTHING)
def test_what_is_no_time_of_day_is_not_read(text: str) -> None:
    assert times.read(text) is None


@pytest.mark.parametrize(
    ("text", "expected"), [("3", time(15)), ("at 10?", time(10)), ("9", time(9))]
)
def test_a_bare_number_is_an_hour_where_one_was_asked_for(text: str, expected: time) -> None:
    assert times.read(text, bare=True) == expected


@pytest.mark.parametrize("text", ["anytime is fine", "whenever", "cuando sea", "随时", "都可以"])
def test_any_time_will_do(text: str) -> None:
    assert times.is_any(text)


WISHES = {
    "once a week is enough": Wishes(1),
    "you text me 3 times a day, once a week is enough": Wishes(1),
    "twice a week max": Wishes(2),
    "weekly is fine": Wishes(1),
    "every other day": Wishes(3),
    "una vez por semana basta": Wishes(1),
    "dos veces por semana": Wishes(2),
    "一周一次就够了": Wishes(1),
    "每周两条": Wishes(2),
    "一個禮拜一次就夠": Wishes(1),
    "not before 9": Wishes(earliest=time(9)),
    "don't text me before 7am": Wishes(earliest=time(7)),
    "not after 8": Wishes(latest=time(20)),
    "only after 6": Wishes(earliest=time(18)),
    "between 9 and 5": Wishes(earliest=time(9), latest=time(17)),
    "only mornings": Wishes(latest=time(12)),
    "not while im at work": Wishes(earliest=time(18)),
    "you text too early": Wishes(earliest=time(10)),
    "no antes de las 9": Wishes(earliest=time(9)),
    "no me escriban de noche": Wishes(latest=time(20)),
    "solo por la tarde": Wishes(earliest=time(12), latest=time(18)),
    "entre las 10 y las 6": Wishes(earliest=time(10), latest=time(18)),
    "晚上别发": Wishes(latest=time(18)),
    "9点前别发": Wishes(earliest=time(9)),
    "晚上9点以后别发": Wishes(latest=time(21)),
    "10点以后再发": Wishes(earliest=time(10)),
    "上班时间别发": Wishes(earliest=time(18)),
    "早上9点到下午5点": Wishes(earliest=time(9), latest=time(17)),
    "text me less": Wishes(),
    "you text me every day": Wishes(),
    "que no sea tan seguido": Wishes(),
}


@pytest.mark.parametrize(("text", "expected"), WISHES.items())
def test_a_wish_is_read(text: str, expected: Wishes) -> None:
    assert wishes.read(text) == expected


TODAY = date(2026, 3, 4)  # a Wednesday
PAST = {
    "paid 200 yesterday": date(2026, 3, 3),
    "this morning": TODAY,
    "day before yesterday": date(2026, 3, 2),
    "last friday": date(2026, 2, 27),
    "on wednesday": date(2026, 2, 25),
    "on the 20th": date(2026, 2, 20),
    "feb 20": date(2026, 2, 20),
    "dec 28": date(2025, 12, 28),
    "2/20": date(2026, 2, 20),
    "3 days ago": date(2026, 3, 1),
    "a week ago": date(2026, 2, 25),
    "ayer": date(2026, 3, 3),
    "hace 3 días": date(2026, 3, 1),
    "20 de febrero": date(2026, 2, 20),
    "el lunes": date(2026, 3, 2),
    "el 2": date(2026, 3, 2),
    "昨天": date(2026, 3, 3),
    "尋日過咗數": date(2026, 3, 3),
    "三天前": date(2026, 3, 1),
    "2月20号": date(2026, 2, 20),
    "我上周五转的": date(2026, 2, 27),
    "禮拜一": date(2026, 3, 2),
    "in february": None,
    "with my card": None,
    "31/2": None,
    "": None,
}


@pytest.mark.parametrize(("text", "expected"), PAST.items())
def test_a_day_gone_by_is_read(text: str, expected: date | None) -> None:
    assert past.read(text, TODAY) == expected


def test_figures_are_read_as_the_place_writes_them() -> None:
    assert past.read("3/2", TODAY) == date(2026, 3, 2)
    assert past.read("3/2", TODAY, day_first=True) == date(2026, 2, 3)


@given(st.text(max_size=60), st.dates(date(2020, 2, 29), date(2030, 1, 1)))
def test_whatever_is_written_what_is_read_makes_sense(text: str, today: date) -> None:
    day, wished = past.read(text, today), wishes.read(text)
    assert day is None or day <= today
    assert wished.a_week is None or wished.a_week >= 1
    times.read(text, bare=True)


@pytest.mark.parametrize(
    "piece", ["9", "at ", "a las ", "三", "点", "3:", "not before ", "每周", "ago "]
)
def test_a_hostile_text_is_read_in_bounded_time(piece: str) -> None:
    text = piece * (1600 // len(piece))
    start = clock.process_time()
    times.read(text, bare=True)
    wishes.read(text)
    past.read(text, TODAY)
    assert clock.process_time() - start < 0.5
