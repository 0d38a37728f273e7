"""The web console for the lender's people, and the phone simulator beside it."""

from __future__ import annotations

from flask import Blueprint

from console import auth, conversations
from console.pages import add_filters, protect

bp = Blueprint("console", __name__, template_folder="templates", static_folder="static")
protect(bp)
add_filters(bp)
auth.add_views(bp)
conversations.add_views(bp)
