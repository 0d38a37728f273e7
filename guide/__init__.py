"""A short page for borrowers: what a late payment means, what helps, and who else does.

It is the same for everybody: the address holds nothing but the language, no database is read,
and nothing about the reader is kept.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from babel import Locale
from flask import Blueprint, abort, make_response, render_template, request
from werkzeug.wrappers import Response

from bot.policy import Policy
from bot.replies import LANGUAGES, language_of
from bot.turn import Reply
from console.pages import protect, runtime
from guide.places import Place, places

NEAR = {
    "en": ("US", "GB"),
    "es": ("ES", "MX", "US"),
    "zh_Hans": ("CN", "HK", "TW"),
    "zh_Hant": ("TW", "HK", "CN"),
}
"""Which countries come first for a language, where the browser names none."""

OWN_NAMES = {"en": "English", "es": "Español", "zh_Hans": "简体中文", "zh_Hant": "繁體中文"}
"""What each language calls itself, short enough for a telephone's width."""

bp = Blueprint("guide", __name__, template_folder="templates", static_folder="static")
protect(bp, referrer="no-referrer")


@bp.get("")
def page() -> Response:
    """The guide in the language that the browser asks for."""
    return _page(_wanted(runtime().policy.lender.languages))


@bp.get("/<language>")
def page_in(language: str) -> Response:
    """The guide in a language that was chosen: en, es, zh-Hans or zh-Hant."""
    code = language.replace("-", "_")
    if code not in runtime().policy.lender.languages:
        abort(404)
    return _page(code)


def _wanted(offered: tuple[str, ...]) -> str:
    """The first language of the browser's list that is offered; else the lender's first."""
    for name in request.accept_languages.values():
        code = language_of(name)
        if code in offered and code[:2] == name[:2].lower():
            return code
    return offered[0]


def _country() -> str:
    """The first country that the browser's languages name, if we know who helps there."""
    for name in request.accept_languages.values():
        language, _, territory = name.replace("_", "-").rpartition("-")
        if language and territory.upper() in places():
            return territory.upper()
    return ""


def _countries(language: str) -> list[tuple[str, str, tuple[Place, ...], bool]]:
    """Code, name, places and whether it is the reader's, the nearest first."""
    own = _country()
    order = dict.fromkeys((*([own] if own else []), *NEAR[language], *places()))
    names = Locale.parse(language).territories
    return [(code, names[code], places()[code], code == own) for code in order]


def _page(language: str) -> Response:
    rt = runtime()
    policy, lender = rt.policy, rt.policy.lender
    values = {
        "lender": lender.name,
        "lender_phone": lender.phone,
        "lender_hours": lender.hours,
        "address": urlsplit(rt.settings.public_url).netloc,
    }

    def text(key: str) -> str:
        return rt.catalogues.render(Reply(f"guide.{key}", values), language)

    html = render_template(
        "guide/page.html",
        text=text,
        lender=lender,
        language=language.replace("_", "-"),
        languages=[
            (code.replace("_", "-"), OWN_NAMES[code])
            for code in LANGUAGES
            if code in lender.languages
        ],
        countries=_countries(language),
        helplines=policy.helplines,
        consequences=policy.consequences.get(language, ""),
        offered=_offered(policy),
    )
    response = make_response(html)
    response.headers["Vary"] = "Accept-Language"
    return response


def _offered(policy: Policy) -> list[str]:
    """What the borrower may ask for under this lender's rules, as the page names it."""
    rules = {
        "time": policy.extension.most_per_loan > 0,
        "parts": policy.plan.most_per_loan > 0,
        "hardship": True,
        "dispute": True,
        "person": True,
    }
    return [name for name, given in rules.items() if given]
