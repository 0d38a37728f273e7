"""What all pages share: the runtime, the headers that protect them, and how things are written."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_currency
from flask import Blueprint, Response, current_app, request
from markupsafe import Markup, escape

from bot.replies import formatting_locale
from bot.runtime import Runtime
from bot.turn import Money

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "object-src 'none'",
    )
)
# ASCII alone: in Chinese no space parts a link from the words that follow it.
LINK = re.compile(r"https?://[!-~]*[A-Za-z0-9/_=&#-]")


def runtime() -> Runtime:
    """The parts that the use cases work with."""
    rt: Runtime = current_app.extensions["repayline"]
    return rt


def protect(bp: Blueprint, *, referrer: str = "same-origin") -> None:
    """Give every answer of a blueprint the headers that keep a page to itself.

    Pages show personal data, so that no cache may keep them; their styles and scripts may be kept.
    """

    @bp.after_request
    def add_headers(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = referrer
        if not (request.endpoint or "").endswith(".static"):
            response.headers["Cache-Control"] = "no-store"
            response.headers["X-Robots-Tag"] = "noindex, nofollow"
        return response


def add_filters(bp: Blueprint) -> None:
    """Teach the templates how times, amounts, languages and links are written."""
    for name, written in FILTERS.items():
        bp.add_app_template_filter(written, name)

    @bp.app_context_processor
    def pages_served() -> dict[str, object]:
        return {"pages_served": current_app.blueprints.keys()}


def linked(text: str) -> Markup:
    """A text with its web addresses as links; all else of it is escaped."""
    parts, end = [], 0
    for found in LINK.finditer(text):
        url = escape(found[0])
        parts.append(escape(text[end : found.start()]))
        parts.append(Markup('<a href="{0}" target="_blank" rel="noopener">{0}</a>').format(url))
        end = found.end()
    return Markup("").join([*parts, escape(text[end:])])


def local(moment: datetime, timezone: str) -> datetime:
    """An instant on somebody's own clock; on the clock of Greenwich where the zone is unknown."""
    try:
        return moment.astimezone(ZoneInfo(timezone))
    except (ZoneInfoNotFoundError, ValueError):
        return moment.astimezone(ZoneInfo("UTC"))


def clock_time(moment: datetime, timezone: str) -> str:
    """The time of day on somebody's own clock."""
    return local(moment, timezone).strftime("%H:%M")


def day(moment: datetime, timezone: str) -> str:
    """The date on somebody's own calendar."""
    return format_date(local(moment, timezone).date(), "EEE, d MMM y", locale="en")


def money(amount: Money, locale: str = "en", country: str = "") -> str:
    """An amount as the borrower's locale writes it."""
    formats = formatting_locale(locale, country)
    return format_currency(amount.amount, amount.currency, locale=formats)


def language_name(code: str | None, own: bool = False) -> str:
    """The name of a locale in English; or of its language alone, in that language itself."""
    if not code:
        return ""
    try:
        locale = Locale.parse(code)
        if own:
            return Locale(locale.language, script=locale.script).get_display_name() or code
        return locale.get_display_name("en") or code
    except (UnknownLocaleError, ValueError):
        return code


def html_lang(locale: str | None) -> str:
    """A locale as HTML names it."""
    return (locale or "en").replace("_", "-")


FILTERS: dict[str, Callable[..., str]] = {
    "linked": linked,
    "clock_time": clock_time,
    "day": day,
    "money": money,
    "language_name": language_name,
    "html_lang": html_lang,
}
