"""Amounts, dates, durations, counts and menu options in a borrower's message."""

from bot.entities.extract import Entities, extract
from bot.entities.vague import is_vague

__all__ = ["Entities", "extract", "is_vague"]
