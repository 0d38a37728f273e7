"""The list of conversations, and one of them; what a person holds is handed back here."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, render_template, request, url_for
from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload
from werkzeug.wrappers import Response

from bot import manager
from console.pages import runtime
from console.thread import bubbles_of, facts_of
from models import Conversation, Message, Phone

PAGE = 50
MESSAGES = 200


def add_views(bp: Blueprint) -> None:
    """Add the views; the blueprint has checked who asks."""

    @bp.get("/", strict_slashes=False)
    def conversations() -> str:
        rt, number = runtime(), max(request.args.get("page", 1, type=int), 1)
        with rt.reading() as session:
            found = _page(session, number)
            ids = [conversation.id for conversation in found[:PAGE]]
            last = _last_messages(session, ids)
            all_facts = facts_of(rt, session, [(c.phone, c) for c in found[:PAGE]])
            rows = [(facts, last.get(facts.conversation_id)) for facts in all_facts]
        return render_template(
            "console/conversations.html", rows=rows, page=number, more=len(found) > PAGE
        )

    @bp.get("/conversations/<int:conversation_id>")
    def conversation(conversation_id: int) -> str:
        rt = runtime()
        before = request.args.get("before", type=int)
        with rt.reading() as session:
            found = session.get(Conversation, conversation_id)
            if found is None:
                abort(404)
            [facts] = facts_of(rt, session, [(found.phone, found)])
            bubbles = bubbles_of(session, found.id, limit=MESSAGES, before=before)
        older = bubbles[0].id if len(bubbles) == MESSAGES else None
        return render_template(
            "console/conversation.html", facts=facts, bubbles=bubbles, older=older
        )

    @bp.post("/conversations/<int:conversation_id>/handback")
    def hand_back(conversation_id: int) -> Response:
        rt = runtime()
        with rt.reading() as session:
            if session.get(Conversation, conversation_id) is None:
                abort(404)
        manager.hand_back(rt, conversation_id)
        return redirect(url_for("console.conversation", conversation_id=conversation_id), 303)


def _page(session: Session, number: int) -> list[Conversation]:
    """One page of conversations and, where there are more, the first of the next."""
    latest = func.coalesce(Conversation.last_inbound_at, Conversation.created_at)
    query = (
        select(Conversation)
        .order_by(latest.desc(), Conversation.id.desc())
        .limit(PAGE + 1)
        .offset((number - 1) * PAGE)
        .options(joinedload(Conversation.phone).joinedload(Phone.borrower))
    )
    return list(session.scalars(query))


def _last_messages(session: Session, ids: list[int]) -> dict[int | None, Message]:
    newest = (
        select(func.max(Message.id))
        .where(Message.conversation_id.in_(ids))
        .group_by(Message.conversation_id)
    )
    found = session.scalars(select(Message).where(Message.id.in_(newest)))
    return {message.conversation_id: message for message in found}
