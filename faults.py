"""What may be logged of an unexpected error: its kind and its place, never its text.

The text of an exception may quote what a borrower wrote, or a number, or a secret.
"""

from __future__ import annotations

import traceback
from pathlib import Path

PROJECT = Path(__file__).resolve().parent


def described(error: BaseException) -> str:
    """Kind and place, innermost first within our own code: ``KeyError at bot/dialog.py:41``."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if PROJECT in Path(f.filename).parents and "/.venv" not in f.filename]
    places = (f"{Path(f.filename).relative_to(PROJECT)}:{f.lineno}" for f in reversed(ours[-4:]))
    return f"{type(error).__name__} at {', '.join(places) or 'an unknown place'}"
