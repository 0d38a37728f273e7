"""Amounts, dates, durations, counts and menu options in a borrower's message."""

from bot.entities.extract import Entities, extract

__all__ = ["Entities", "extract"]
