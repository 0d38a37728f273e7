"""When the line may speak first: windows on the borrower's clock, as stretches of real time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAYS_AHEAD = 15
"""As far as anybody has to wait: a slowed week, and a day."""
ONE_DAY = timedelta(days=1)
Stretch = tuple[datetime, datetime]
"""From an instant to another, the last one excluded."""


class NoWindowError(ValueError):
    """A text such as "whenever" is no window."""


def read_window(text: str) -> tuple[time, time]:
    """The two times of "08:00-21:00". An end that is not later is one of the next day.

    Raises:
        NoWindowError: it is no window.

    """
    first, dash, last = (part.strip() for part in text.partition("-"))
    try:
        start, end = time.fromisoformat(first), time.fromisoformat(last.replace("24:00", "00:00"))
    except ValueError:
        raise NoWindowError(text) from None
    never = start == end and last != "24:00"
    if not dash or never or start.tzinfo or end.tzinfo:
        raise NoWindowError(text)
    return start, end


def openings(now: datetime, windows: Iterable[str], timezones: Iterable[str]) -> list[Stretch]:
    """When all windows are open in all the zones that a person may live in, from now on.

    Where it is open now, the first one begins now. A window that nobody can read is no window,
    and a zone that nobody knows is never open.

    Args:
        now: the instant from which on.
        windows: as "08:00-21:00"; one may reach over midnight.
        timezones: candidates; none means that it is not known where they live.

    """
    zones = [_zone(name) for name in timezones]
    read = [window for window in map(_window, windows) if window]
    if not zones or not read or None in zones:
        return []
    found: list[Stretch] = [(now, now + (DAYS_AHEAD + 2) * ONE_DAY)]
    for zone in zones:
        for window in read:
            assert zone is not None
            found = list(_overlaps(found, list(_stretches(now, window, zone))))
    return found


def day_of(at: datetime, timezones: Iterable[str]) -> date:
    """The borrower's date at an instant; in UTC where nobody knows where they live."""
    zone = next(iter(timezones), None)
    return at.astimezone((_zone(zone) if zone else None) or UTC).date()


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError):
        return None


def _window(text: str) -> tuple[time, time] | None:
    try:
        return read_window(text)
    except NoWindowError:
        return None


def _stretches(now: datetime, window: tuple[time, time], zone: ZoneInfo) -> Iterator[Stretch]:
    """A window on each day, yesterday's too: it may reach over midnight."""
    today = now.astimezone(zone).date()
    start, end = window
    for n in range(-1, DAYS_AHEAD + 1):
        day = today + n * ONE_DAY
        yield (
            max(_instants(day, start, zone)),
            min(_instants(day if end > start else day + ONE_DAY, end, zone)),
        )


def _instants(day: date, at: time, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """A time on a day: two instants where the clock is put back over it, or forward.

    The narrower window counts then: the later beginning, and the earlier end.
    """
    naive = datetime.combine(day, at)
    first, second = (naive.replace(tzinfo=zone, fold=n).astimezone(UTC) for n in (0, 1))
    return first, second


def _overlaps(some: list[Stretch], others: list[Stretch]) -> Iterator[Stretch]:
    """What two rising rows of stretches have in common."""
    for start, end in some:
        for begin, until in others:
            if max(start, begin) < min(end, until):
                yield max(start, begin), min(end, until)
