"""The lint: every text that ships is fit to be sent, and what is wrong is named with its place."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from babel.messages.pofile import read_po, write_po

from app import create_app
from bot.guard import lint
from bot.policy import Policy
from bot.replies import LANGUAGES, LOCALE_DIR
from bot.runtime import Runtime
from settings import PROJECT
from tests.fakes import POLICY_TEXT

POLICY = Policy.from_toml(POLICY_TEXT)
PRESETS = sorted((PROJECT / "policies").glob("*.toml"))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """The catalogues, to be spoilt."""
    return Path(shutil.copytree(LOCALE_DIR, tmp_path / "bot" / "locale"))


def rewrite(directory: Path, language: str, key: str, text: str | None) -> str:
    """Give a key another text, or take it away; a new one goes into a file of its own."""
    folder = directory / language / "LC_MESSAGES"
    for path in folder.glob("*.po"):
        with path.open("rb") as stream:
            catalogue = read_po(stream, locale=language)
        if key in catalogue:
            if text is None:
                catalogue.delete(key)
            else:
                catalogue[key].string = text
            with path.open("wb") as stream:
                write_po(stream, catalogue)
            return path.name
    with (folder / "new.po").open("a") as stream:
        stream.write(f'msgid "{key}"\nmsgstr "{text}"\n')
    return "new.po"


def test_every_text_that_ships_is_fit_to_be_sent() -> None:
    assert lint.findings(POLICY) == []


@pytest.mark.parametrize("preset", PRESETS, ids=lambda path: path.stem)
def test_and_so_it_is_with_the_policies_that_ship(preset: Path) -> None:
    assert lint.findings(Policy.from_toml(preset.read_text("utf-8"))) == []


@dataclass(frozen=True)
class Spoilt:
    language: str
    key: str
    text: str | None
    sentence: str

    def __str__(self) -> str:
        return f"{self.key}: {self.sentence}"


LONG = "We looked at it and there is nothing more to say than that. " * 9
SPOILT = [
    Spoilt("en", "thanks.welcome", "Pay or else.", "holds a threat: “or else”"),
    Spoilt("es", "thanks.welcome", "Lo vamos a demandar.",
           "holds a claim of a lawsuit: “demandar”"),
    Spoilt("zh_Hans", "thanks.welcome", "老赖", "holds an insult: “老赖”"),
    Spoilt("zh_Hant", "thanks.welcome", "後果自負", "holds a threat: “後果自負”"),
    Spoilt("en", "page.sandbox", "We will sue you.", "holds a claim of a lawsuit: “will sue”"),
    Spoilt("en", "thanks.welcome", "That will be $5 then.",
           "names an amount of its own; amounts come from values"),
    Spoilt("zh_Hans", "thanks.welcome", "手续费五元",
           "names an amount of its own; amounts come from values"),
    Spoilt("en", "thanks.welcome", LONG, "takes 4 segments; 3 are allowed"),
    Spoilt("en", "followup.hello", "This is {lender}. " + LONG[:300],
           "takes 3 segments with the opt-out line; 2 are allowed"),
    Spoilt("en", "thanks.welcome", "Write BANANA to go on.",
           "names “BANANA”, which the line does not know"),
    Spoilt("zh_Hant", "thanks.welcome", "回覆「香蕉」",
           "names “香蕉”, which the line does not know"),
    Spoilt("en", "thanks.welcome", "Reply YES to go on.",
           "asks for “YES”, which carriers take for START"),
    Spoilt("en", "thanks.welcome", "Reply yes to go on.",
           "asks for “yes”, which carriers take for START"),
    Spoilt("en", "thanks.welcome", "Write CANCEL to go back.",
           "asks for “CANCEL”, which carriers take for STOP"),
    Spoilt("es", "thanks.welcome", "Escriba CANCELAR.",
           "asks for “CANCELAR”, which carriers take for STOP"),
    Spoilt("zh_Hans", "thanks.welcome", "回复“取消”",
           "asks for “取消”, which carriers take for STOP"),
    Spoilt("en", "extension.confirm_no", "End", "is a word that carriers take for STOP"),
    Spoilt("zh_Hans", "extension.confirm_no", "取消", "is a word that carriers take for STOP"),
    Spoilt("en", "extension.confirm_no", "No, STOP", "offers “STOP” as an answer"),
    Spoilt("en", "footer.opt_out", "Reply NEVER to end texts.",
           "names “NEVER”, which the line does not know"),
    Spoilt("zh_Hant", "footer.opt_out", "不想再收到，請告訴我們",
           "names no word that ends the texts"),
    Spoilt("es", "balance.late", "Debe {balance}.", "lacks {due_on}, {past_due}, {product}"),
    Spoilt("es", "thanks.welcome", "Hola {name}", "names {name}"),
    Spoilt("es", "thanks.welcome", None, "is missing"),
    Spoilt("en", "thanks.welcome@formal", "You are welcome, {name}.", "names {name}"),
    Spoilt("en", "nobody.says@formal", "Yes.", "has no plain text nobody.says beside it"),
]  # fmt: skip


@pytest.mark.parametrize("case", SPOILT, ids=str)
def test_what_is_wrong_is_named_with_its_file_and_key(directory: Path, case: Spoilt) -> None:
    file = rewrite(directory, case.language, case.key, case.text)
    found = [str(finding) for finding in lint.findings(POLICY, directory)]
    place = f"bot/locale/{case.language}/LC_MESSAGES/{file}"
    assert f"{place}: {case.key} {case.sentence}." in found


def test_no_language_may_lack_the_way_out(directory: Path) -> None:
    for language in LANGUAGES:
        rewrite(directory, language, "footer.opt_out", None)
    found = lint.findings(POLICY, directory)
    assert {f.sentence for f in found if f.key == "footer.opt_out"} == {"is missing"}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"consequences": {"en": "We will call the police."}},
         "The policy's [consequences]: en holds a claim of arrest or police: “police”."),
        ({"consequences": {"es": "Responda CANCELAR."}},
         "The policy's [consequences]: es asks for “CANCELAR”, which carriers take for STOP."),
    ],
)  # fmt: skip
def test_the_lenders_own_words_are_looked_at(changes: dict[str, Any], sentence: str) -> None:
    found = [str(finding) for finding in lint.findings(replace(POLICY, **changes))]
    assert sentence in found


def test_consequences_may_name_the_lenders_own_fee() -> None:
    policy = replace(POLICY, consequences={"en": "A late fee of $25 may be added."})
    assert lint.findings(policy) == []


def test_a_word_that_the_lender_forbids_is_found_in_the_catalogues() -> None:
    policy = replace(POLICY, content=replace(POLICY.content, forbidden=("colleague",)))
    found = lint.findings(policy)
    assert found
    assert {f.sentence for f in found} == {"holds a word that [content] forbids: “colleague”"}


def test_the_command_says_that_all_is_well(runtime: Runtime) -> None:
    ran = create_app(runtime=runtime).test_cli_runner().invoke(args=["texts", "lint"])
    assert (ran.exit_code, ran.output) == (0, "Every text is fit to be sent.\n")


def test_the_command_names_what_is_wrong_and_ends_with_1(runtime: Runtime) -> None:
    runtime.policy = replace(POLICY, consequences={"en": "Act now!"})
    ran = create_app(runtime=runtime).test_cli_runner().invoke(args=["texts", "lint"])
    assert ran.exit_code == 1
    assert ran.output == "The policy's [consequences]: en holds false urgency: “act now”.\n"
