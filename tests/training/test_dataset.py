from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from bot.nlu import normalise
from bot.nlu.understanding import INTENTS, LANGUAGES
from tests.nlu.trained import ROOT
from training.dataset import DatasetError, Example, as_rasa_yaml, content_hash, load

LEAST = {"en": 30, "zh_Hans": 25, "es": 20, "zh_Hant": 15}


def write(directory: Path, text: str, name: str = "en/payment.yml") -> Path:
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def nlu(intent: str, *texts: str) -> str:
    lines = "".join(f"    - {text}\n" for text in texts)
    return f'version: "3.1"\nnlu:\n# a comment\n- intent: {intent}\n  examples: |\n{lines}'


def test_examples_know_their_place(tmp_path: Path) -> None:
    path = write(tmp_path, nlu("pay_now", "send link", "I'd pay: now #1"))
    assert load(tmp_path) == [
        Example("send link", "pay_now", "en", path, 6),
        Example("I'd pay: now #1", "pay_now", "en", path, 7),
    ]


WRONG = {
    "broken yaml": ("nlu:\n- intent: [pay\n", r"payment\.yml:3: not YAML"),
    "a tab": ("nlu:\n\t- intent: pay_now\n", r"payment\.yml:2: not YAML"),
    "no nlu": ("version: '3.1'\n", r"payment\.yml:1: expected `nlu:`"),
    "empty": ("", r"payment\.yml:1: expected keys"),
    "unknown intent": (nlu("pay_later", "x"), r"payment\.yml:4: unknown intent 'pay_later'"),
    "no examples": ("nlu:\n- intent: pay_now\n", r"payment\.yml:2: expected .* and `examples`"),
    "a list": ("nlu:\n- intent: pay_now\n  examples:\n  - a\n", r"payment\.yml:2: .* block"),
    "no dash": (nlu("pay_now", "ok") + "    ok\n", r"payment\.yml:7: an example must begin"),
    "empty example": (nlu("pay_now", "ok", ""), r"payment\.yml:7: an example must begin"),
    "markup": (nlu("pay_now", "pay [50](amount)"), r"payment\.yml:6: Rasa reads"),
    "two intents": (
        nlu("pay_now", "ok") + "- intent: affirm\n  examples: |\n    - ok\n",
        r"payment\.yml:9: 'ok' is affirm here and pay_now in .*payment\.yml:6",
    ),
}


@pytest.mark.parametrize(("text", "reason"), WRONG.values(), ids=WRONG)
def test_a_mistake_is_named_with_file_and_line(tmp_path: Path, text: str, reason: str) -> None:
    write(tmp_path, text)
    with pytest.raises(DatasetError, match=reason):
        load(tmp_path)


def test_an_unknown_language_is_refused(tmp_path: Path) -> None:
    write(tmp_path, nlu("pay_now", "payer"), "fr/payment.yml")
    with pytest.raises(DatasetError, match="folder 'fr' is not one of en, es"):
        load(tmp_path)


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "").write_bytes(nlu("pay_now", "señor").encode("latin-1"))
    with pytest.raises(DatasetError, match=r"payment\.yml: not UTF-8"):
        load(tmp_path)


def test_no_examples_at_all_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no example files"):
        load(tmp_path)


def test_rasa_gets_each_text_once(tmp_path: Path) -> None:
    write(tmp_path, nlu("affirm", "ok", "dale"))
    write(tmp_path, nlu("affirm", "ok"), "zh_Hans/smalltalk.yml")
    assert as_rasa_yaml(load(tmp_path)) == (
        'version: "3.1"\nnlu:\n- intent: affirm\n  examples: |\n    - dale\n    - ok\n'
    )


def test_the_hash_sees_data_files_and_encoder_but_not_the_place(tmp_path: Path) -> None:
    def hashed(place: str, data: str = "d", source: str = "s", extra: str = "e") -> str:
        path = write(tmp_path, source, f"{place}/config.yml")
        return content_hash(data, [path], path.parent, extra)

    same = hashed("here")
    assert hashed("there") == same
    changed = {hashed("here", data="x"), hashed("here", source="x"), hashed("here", extra="x")}
    assert len(changed) == 3 and same not in changed


@pytest.fixture(scope="module")
def ours() -> list[Example]:
    return load(ROOT / "nlu_data" / "examples")


def _bare(text: str) -> str:
    return re.sub(r"[^\w\s]", "", text.lower()).strip() or text


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_intent_has_enough_examples(ours: list[Example], language: str) -> None:
    found = Counter(e.intent for e in ours if e.language == language)
    assert {i: found[i] for i in INTENTS if found[i] < LEAST[language]} == {}


def test_no_text_stands_twice_in_a_language(ours: list[Example]) -> None:
    found = Counter((e.language, e.text) for e in ours)
    assert [key for key, times in found.items() if times > 1] == []


def test_no_text_stands_under_two_intents_however_it_is_written(ours: list[Example]) -> None:
    intents: dict[str, dict[str, str]] = {}
    for example in ours:
        seen = intents.setdefault(normalise.for_encoder(_bare(example.text)), {})
        seen.setdefault(example.intent, example.place)
    assert {text: seen for text, seen in intents.items() if len(seen) > 1} == {}


def test_every_text_has_content(ours: list[Example]) -> None:
    assert [e.place for e in ours if not normalise.for_sparse(e.text)] == []
