"""Ask Rasa itself, in its own environment: `python ask.py MODEL < texts > answers`.

Texts come as a JSON list; for each, the best of its intent ranking go out, as one line that
begins with ANSWERS (Rasa writes other lines too).
"""

from __future__ import annotations

import asyncio
import json
import sys

from rasa.core.agent import Agent


async def _ask(agent: Agent, texts: list[str]) -> list[list[tuple[str, float]]]:
    answers = []
    for text in texts:
        parsed = await agent.parse_message(text)
        ranking = parsed.get("intent_ranking", [])
        answers.append([(entry["name"], entry["confidence"]) for entry in ranking])
    return answers


if __name__ == "__main__":
    rankings = asyncio.run(_ask(Agent.load(sys.argv[1]), json.load(sys.stdin)))
    print("ANSWERS " + json.dumps(rankings))
