"""The lender's rules as one value: read, checked, and asked what they allow."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.policy import reading
from bot.policy.reading import PolicyError
from bot.policy.sections import (
    IDENTITY_KINDS,
    MOVES,
    ROLES,
    TONES,
    WAYS,
    CalendarRules,
    CaseRules,
    ContactRules,
    ContentRules,
    ExtensionRules,
    HardshipRules,
    IdentityRules,
    Lender,
    PaymentRules,
    PlanRules,
    PromiseRules,
    SettlementRules,
    SilenceRules,
    Steps,
    UnderstandingRules,
    WaiverRules,
)

LANGUAGES = ("en", "es", "zh_Hans", "zh_Hant")
TABLES = ("hours", "helplines", "consequences")
"""Sections that are tables of texts; ``helplines`` and ``hours`` need a "*" for all others."""
HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(([01]\d|2[0-3]):([0-5]\d)|24:00)")


@dataclass(frozen=True)
class Policy:
    """The lender's rules."""

    lender: Lender
    understanding: UnderstandingRules
    silence: SilenceRules
    identity: IdentityRules
    contact: ContactRules
    calendar: CalendarRules
    payment: PaymentRules
    extension: ExtensionRules
    plan: PlanRules
    settlement: SettlementRules
    waiver: WaiverRules
    promise: PromiseRules
    cases: CaseRules
    hardship: HardshipRules
    content: ContentRules
    hours: Mapping[str, str]
    """When the line may speak first, by the borrower's country, on the borrower's clock."""
    helplines: Mapping[str, str]
    consequences: Mapping[str, str]
    """What follows from not paying, by language, where the lender has words of its own."""

    @classmethod
    def from_toml(cls, text: str) -> Policy:
        """Read and check a policy.

        Raises:
            PolicyError: a sentence about the first thing that is wrong, with its line.

        """
        data = reading.parse(text)
        sections = get_type_hints(cls)
        for name in data:
            if name not in sections:
                known = ", ".join(sections)
                sentence = f"[{name}] is no section of a policy: {known} are."
                raise reading.refused(text, name, "", sentence)
        for name in sections:
            if not isinstance(data.get(name), dict):
                raise PolicyError(f"The policy lacks the section [{name}].")
        tables: dict[str, Any] = {n: reading.words(text, n, data[n]) for n in TABLES}
        made = {
            n: reading.section(text, n, kind, data[n])
            for n, kind in sections.items()
            if n not in TABLES
        }
        policy = cls(**made, **tables)
        policy._check(text)
        return policy

    def _check(self, text: str) -> None:
        for where, holds, sentence in self._rules():
            section, _, key = where.partition(".")
            if not holds:
                raise reading.refused(text, section, key, f"{where} {sentence}.")
        for table in ("hours", "helplines"):
            if "*" not in getattr(self, table):
                sentence = f'[{table}] needs a text for each country and one for "*".'
                raise reading.refused(text, table, "", sentence)
        for country, hours in self.hours.items():
            if not _is_window(hours):
                sentence = f'[hours] {country} must be a window such as "08:00-21:00".'
                raise reading.refused(text, "hours", country, sentence)
        for language in self.consequences:
            if language not in LANGUAGES:
                sentence = f"[consequences] knows {', '.join(LANGUAGES)}, not {language}."
                raise reading.refused(text, "consequences", language, sentence)

    def _rules(self) -> tuple[tuple[str, bool, str], ...]:
        """Where, whether it holds, and what must hold."""
        lender, extension, plan, promise = self.lender, self.extension, self.plan, self.promise
        return (
            ("lender.hours", _is_window(lender.hours), 'must be a window such as "09:00-18:00"'),
            (
                "lender.days",
                bool(reading.weekdays(lender.days)),
                'must name weekdays such as "mon-fri"',
            ),
            (
                "lender.timezone",
                _is_zone(lender.timezone),
                'must be a zone such as "America/New_York"',
            ),
            ("lender.role", lender.role in ROLES, f"must be one of {', '.join(ROLES)}"),
            ("lender.tone", lender.tone in TONES, f"must be one of {', '.join(TONES)}"),
            (
                "lender.languages",
                bool(lender.languages) and set(lender.languages) <= set(LANGUAGES),
                f"must name some of {', '.join(LANGUAGES)}",
            ),
            ("lender.reminders_a_week", lender.reminders_a_week >= 0, "must be 0 or more"),
            ("understanding.sure", 0 < self.understanding.sure < 1, "must lie between 0 and 1"),
            (
                "understanding.wrong_person",
                0 < self.understanding.wrong_person < 1,
                "must lie between 0 and 1",
            ),
            (
                "understanding.forget_after_hours",
                self.understanding.forget_after_hours >= 1,
                "must be 1 or more",
            ),
            (
                "silence.remind_after_hours",
                self.silence.remind_after_hours >= 1,
                "must be 1 or more",
            ),
            (
                "silence.close_after_hours",
                self.silence.close_after_hours > self.silence.remind_after_hours,
                "must be more than silence.remind_after_hours",
            ),
            (
                "identity.ask",
                self.identity.ask in ("", *IDENTITY_KINDS),
                f"must be empty or one of {', '.join(IDENTITY_KINDS)}",
            ),
            ("identity.tries", self.identity.tries >= 1, "must be 1 or more"),
            ("identity.holds_hours", self.identity.holds_hours >= 1, "must be 1 or more"),
            ("contact.most_a_day", self.contact.most_a_day >= 0, "must be 0 or more"),
            ("contact.most_a_week", self.contact.most_a_week >= 0, "must be 0 or more"),
            ("contact.most_segments", self.contact.most_segments >= 1, "must be 1 or more"),
            ("calendar.move", self.calendar.move in MOVES, f"must be one of {', '.join(MOVES)}"),
            ("payment.minimum", self.payment.minimum > 0, "must be more than nothing"),
            ("payment.link_hours", self.payment.link_hours >= 1, "must be 1 or more"),
            (
                "payment.ways",
                bool(self.payment.ways) and set(self.payment.ways) <= set(WAYS),
                f"must name some of {', '.join(WAYS)}",
            ),
            (
                "payment.transfer_account",
                "transfer" not in self.payment.ways or bool(self.payment.transfer_account.strip()),
                'must say where to, as payment.ways holds "transfer"',
            ),
            (
                "extension.offer_days",
                bool(extension.offer_days)
                and all(1 <= d <= extension.most_days for d in extension.offer_days),
                "must name days from 1 to extension.most_days",
            ),
            ("extension.offer_days", len(extension.offer_days) <= 8, "may name 8 choices"),
            ("extension.most_per_loan", extension.most_per_loan >= 0, "must be 0 or more"),
            ("extension.days_between", extension.days_between >= 0, "must be 0 or more"),
            (
                "extension.until_days_overdue",
                extension.until_days_overdue >= extension.from_days_overdue,
                "must not come before extension.from_days_overdue",
            ),
            ("extension.fee", extension.fee >= 0, "must not be negative"),
            (
                "plan.offer_parts",
                bool(plan.offer_parts) and all(2 <= n <= plan.most_parts for n in plan.offer_parts),
                "must name numbers of parts from 2 to plan.most_parts",
            ),
            ("plan.offer_parts", len(plan.offer_parts) <= 8, "may name 8 choices"),
            ("plan.smallest_part", plan.smallest_part > 0, "must be more than nothing"),
            ("plan.days_between", plan.days_between >= 1, "must be 1 or more"),
            (
                "plan.down_payment_percent",
                0 <= plan.down_payment_percent < 100,
                "must lie between 0 and 99",
            ),
            ("plan.most_per_loan", plan.most_per_loan >= 0, "must be 0 or more"),
            (
                "plan.until_days_overdue",
                plan.until_days_overdue >= plan.from_days_overdue,
                "must not come before plan.from_days_overdue",
            ),
            *_relief("settlement", self.settlement.percent_by_days_overdue, 99),
            *_relief("waiver", self.waiver.percent_by_days_overdue, 100),
            (
                "settlement.pay_within_days",
                self.settlement.pay_within_days >= 1,
                "must be 1 or more",
            ),
            ("waiver.pay_within_days", self.waiver.pay_within_days >= 1, "must be 1 or more"),
            ("promise.longest_days", promise.longest_days >= 1, "must be 1 or more"),
            ("promise.smallest", promise.smallest > 0, "must be more than nothing"),
            ("promise.most_broken", promise.most_broken >= 0, "must be 0 or more"),
            ("promise.ask_after_days", promise.ask_after_days >= 1, "must be 1 or more"),
            (
                "promise.person_after_days",
                promise.person_after_days >= 1,
                "must be 1 or more",
            ),
            ("cases.dispute_days", self.cases.dispute_days >= 1, "must be 1 or more"),
            ("cases.already_paid_days", self.cases.already_paid_days >= 1, "must be 1 or more"),
            ("cases.complaint_days", self.cases.complaint_days >= 1, "must be 1 or more"),
            ("hardship.slow_days", self.hardship.slow_days >= 0, "must be 0 or more"),
        )

    def helpline(self, country: str) -> str:
        """Where somebody in despair is sent."""
        return self.helplines.get(country, self.helplines["*"])


def _is_zone(name: str) -> bool:
    try:
        return bool(name) and ZoneInfo(name).key == name
    except (OSError, ValueError, ZoneInfoNotFoundError):
        return False


def _is_window(text: str) -> bool:
    found = HOURS.fullmatch(text)
    return found is not None and text[:5] < text[6:]


def _relief(name: str, steps: Steps, most: int) -> tuple[tuple[str, bool, str], ...]:
    key = f"{name}.percent_by_days_overdue"
    days = [step[0] for step in steps]
    within = all(1 <= percent <= most for _, percent in steps)
    return (
        (key, days == sorted(set(days)), "must name rising days"),
        (key, within, f"may forgive 1 to {most} percent"),
    )
