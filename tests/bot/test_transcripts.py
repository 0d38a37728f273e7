"""The conversations: how many there are, of what, and that the pages made from them are fresh."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from bot.differences import difference_lines
from bot.effects import Effect
from bot.replay import replay
from bot.replies import LANGUAGES
from bot.runtime import Runtime
from tests.bot import transcripts

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
pytestmark = [
    pytest.mark.timeout(600),  # all conversations are played, one after the other
    pytest.mark.xdist_group("transcripts"),
]


@pytest.fixture(scope="module")
def replayed() -> dict[str, str]:
    """What differs in conversations that are replayed where nothing has changed."""
    return {}


@pytest.fixture(scope="module")
def made(replayed: dict[str, str]) -> Any:
    def replay_it(case: transcripts.Case, runtime: Runtime) -> None:
        texts = Counter(str(turn.get("borrower")) for turn in case.data["turns"])
        for whole in (False, True):
            report = replay(runtime, LONG_AGO, whole=whole)
            for found in report.differences:
                if texts[found.text] > 1 and found.kinds == ("understood",):
                    continue  # the file gives it another meaning the second time
                lines = difference_lines(found, show_text=True)
                replayed[f"{case.topic}: {case.name}"] = "\n".join(lines)

    return transcripts.pages(replay_it)


def test_the_pages_show_the_conversations_as_they_are(made: Any) -> None:
    stale = transcripts.stale(made)
    assert not stale, f"run `{transcripts.COMMAND}`: {', '.join(stale)}"


def test_every_conversation_replays_as_it_went(made: Any, replayed: dict[str, str]) -> None:
    assert replayed == {}


def test_every_line_of_a_conversation_is_a_row_of_three(made: Any) -> None:
    for path, text in made.items():
        for line in text.splitlines():
            if line.startswith("| ") and path != transcripts.PAGE:
                assert len(re.findall(r"(?<!\\)\|", line)) == 4, f"{path.name}: {line}"


def test_every_conversation_stands_on_the_page_of_its_topic(made: Any) -> None:
    for case in transcripts.cases():
        title = f"· {transcripts._html(case.name)}</summary>"
        assert title in made[transcripts.FOLDER / f"{case.topic}.md"]
    for topic, (title, _) in transcripts.TOPICS.items():
        linked = f"(#{transcripts._anchor(title)})" in made[transcripts.PAGE]
        assert linked == any(case.topic == topic for case in transcripts.cases())


def test_there_are_enough_conversations_in_every_language() -> None:
    languages = Counter(case.language for case in transcripts.cases())
    assert languages.total() >= 200
    assert {
        language: languages[language] for language in LANGUAGES if languages[language] < 35
    } == {}


def test_every_intent_is_met_in_every_language() -> None:
    lacking = ", ".join(f"{intent} in {language}" for intent, language in transcripts.missing())
    assert not lacking, f"no conversation has {lacking}"


def test_every_effect_has_words() -> None:
    assert set(transcripts.EFFECT_WORDS) == {kind.__name__ for kind in get_args(Effect)}


def test_what_is_special_in_markdown_is_shown_as_it_is() -> None:
    shown = transcripts._plain("a|b *c* <d> $5 & `e`\nhttp://localhost:8000/pay/A_b*")
    expected = r"a\|b \*c\* &lt;d&gt; \$5 &amp; \`e\`<br>`https://sms.lender.example/pay/A_b*`"
    assert shown == expected
