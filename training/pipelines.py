"""Compare ways to read a message, and write the table of `docs/nlu.md`.

    python -m training.pipelines

Each pipeline is fitted as training fits it and asked about ``nlu_data/tuning`` (where choices are
made) and ``nlu_data/holdout`` (where nothing is chosen). Rasa's own classifiers are trained and
asked by Rasa.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from scipy.sparse import hstack

from bot.nlu import normalise
from bot.nlu.encoder import Encoder
from bot.nlu.model import HybridModel, TfidfBlock
from bot.nlu.understanding import LANGUAGES
from training import encoder_build, fit
from training.dataset import Example, as_rasa_yaml, load
from training.evaluation import (
    Labelled,
    Prediction,
    intent_figures,
    macro_f1,
    read_labelled,
)
from training.report import OPT_OUT
from training.train import DATA_FILE, HERE, RASA_ARCHIVE, rasa_environment, rasa_train
from training.vectors import VectorCache

PAGE = HERE.root / "docs" / "nlu.md"
BEGIN, END = "<!-- pipelines -->\n", "<!-- /pipelines -->"
TIMED, WARM = 300, 20
"""Messages whose reading is timed, one by one, and how many of them only warm up."""
HIDDEN = 384


@dataclass(frozen=True)
class Pipeline:
    """A way to read.

    Attributes:
        name: what the table calls it.
        encoder: "tuned", "plain", or None for no sentence vectors.
        layers: which of the pooled layers' means are used.
        ngrams: whether word and character n-grams are.
        dense_weight: of the sentence vector beside the n-grams.
        c: inverse strength of the penalty.
        sure: above which confidence the n-grams' answer stands without the vector.

    """

    name: str
    encoder: str | None
    layers: tuple[int, ...] = encoder_build.POOLED_LAYERS
    ngrams: bool = True
    dense_weight: float = 1.5
    c: float = 10.0
    sure: float = 1.0


PIPELINES = (
    Pipeline("n-grams", None),
    Pipeline("plain encoder, last layer", "plain", (12,), ngrams=False),
    Pipeline("plain encoder, four layers", "plain", ngrams=False),
    Pipeline("plain encoder, four layers, n-grams", "plain"),
    Pipeline("tuned encoder, last layer", "tuned", (12,), ngrams=False),
    Pipeline("tuned encoder, last layer, n-grams", "tuned", (12,)),
    Pipeline("tuned encoder, four layers, n-grams", "tuned"),
    Pipeline("plain encoder, four layers, n-grams, weight 0.1", "plain", dense_weight=0.1),
    Pipeline("tuned encoder, four layers, n-grams, weight 0.1", "tuned", dense_weight=0.1),
    Pipeline("the same, vector only in doubt", "tuned", dense_weight=0.1, sure=0.8),
)


RASAS_OWN = """
recipe: default.v1
assistant_id: peer
language: en
pipeline:
- name: WhitespaceTokenizer
- name: CountVectorsFeaturizer
- name: CountVectorsFeaturizer
  analyzer: char_wb
  min_ngram: 1
  max_ngram: 4
- name: LogisticRegressionClassifier
"""


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        name: of the pipeline.
        answers: an intent for each measured message.
        seconds: that fitting took, features included, sentence vectors not.
        milliseconds: the mean of reading a message; None where it was not timed.

    """

    name: str
    answers: Sequence[str]
    seconds: float
    milliseconds: float | None = None


def fitted(
    pipeline: Pipeline,
    examples: Sequence[Example],
    asked: Sequence[str],
    encoder: Encoder | None,
) -> Row:
    """Fit a pipeline on examples and ask it about messages."""
    written = [*(example.text for example in examples), *asked]
    texts = [normalise.for_sparse(text) for text in written]
    words = [normalise.tokens(text) for text in texts]
    vectors = None
    if encoder is not None:
        cache = VectorCache(HERE.root / "var" / "cache", encoder.manifest["files"])
        readable = [normalise.for_encoder(text) for text in written]
        vectors = cache.embed(readable, encoder, 2, print)[:, _columns(pipeline)]
    started = time.monotonic()
    known = np.arange(len(examples))
    least = 2 if pipeline.ngrams else len(written) + 1  # texts that must hold an n-gram
    blocks = [TfidfBlock("word", 1, 2, least), TfidfBlock("char_wb", 1, 4, least)]
    model = HybridModel(
        blocks, pipeline.dense_weight, pipeline.sure, sorted({e.intent for e in examples})
    )
    learnt = None if vectors is None else vectors[known]
    model.fit_features(texts[: len(known)], words[: len(known)], learnt)
    counts = [fit.weigh(fit.count_matrix(block, texts, words), known) for block in blocks]
    sparse = hstack(counts, format="csr")
    dense = None if vectors is None else model.dense_features(vectors)
    linear = fit.fit_linear(
        sparse[known],
        None if dense is None else dense[known],
        np.array([[e.intent == name for name in model.classes] for e in examples], float),
        c=pipeline.c,
        max_iter=1000,
        tol=1e-4,
    )
    model.coefficients, model.intercept = linear.coefficients, linear.intercept
    seconds = time.monotonic() - started
    rest = slice(len(known), None)
    scores = linear.scores(sparse[rest], None if dense is None else dense[rest])
    plain = linear.scores(sparse[rest], None if dense is None else np.zeros_like(dense[rest]))
    certain = model.probabilities(plain)[0].max(axis=1) > pipeline.sure
    scores[certain] = plain[certain]
    return Row(
        pipeline.name,
        [model.classes[n] for n in scores.argmax(axis=1)],
        seconds,
        _milliseconds(model, encoder, _columns(pipeline), asked[:TIMED]),
    )


def _columns(pipeline: Pipeline) -> np.ndarray:
    """Which numbers of the pooled vector are those of the pipeline's layers."""
    places = [encoder_build.POOLED_LAYERS.index(layer) for layer in pipeline.layers]
    return np.concatenate([np.arange(HIDDEN) + HIDDEN * place for place in places])


def _milliseconds(
    model: HybridModel, encoder: Encoder | None, columns: np.ndarray, texts: Sequence[str]
) -> float:
    """The mean time of reading one message, from its text to its ranking."""
    times = []
    for text in texts:
        started = time.perf_counter()
        readable = normalise.for_encoder(text)
        plain = normalise.plain(readable)
        embed = None if encoder is None else partial(_embed, encoder, readable, columns)
        model.read(plain, normalise.tokens(plain), embed)
        times.append(time.perf_counter() - started)
    return float(np.mean(times[WARM:])) * 1000


def _embed(encoder: Encoder, readable: str, columns: np.ndarray) -> np.ndarray:
    return encoder.embed_one(readable)[columns]


def rasas_own(examples: Sequence[Example], asked: Sequence[str]) -> Row:
    """Rasa's logistic regression on Rasa's counts, trained and asked by Rasa."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        (work / DATA_FILE).write_text(as_rasa_yaml(examples), "utf-8")
        (work / "config.yml").write_text(RASAS_OWN, "utf-8")
        rasa_train(HERE, work, "none", print, config=work / "config.yml")
        seconds = time.monotonic() - started
        done = subprocess.run(  # noqa: S603
            [str(HERE.rasa_python), "-W", "ignore", "-m", "nlu_data.ask", RASA_ARCHIVE],
            input=json.dumps(list(asked)),
            env=rasa_environment(HERE, work, "none"),
            cwd=work,
            capture_output=True,
            text=True,
            check=True,
        )
    (line,) = [x for x in done.stdout.splitlines() if x.startswith("ANSWERS ")]
    rankings = json.loads(line.removeprefix("ANSWERS "))
    return Row("Rasa's own logistic regression", [ranking[0][0] for ranking in rankings], seconds)


def table(rows: Sequence[Row], tuning: Sequence[Labelled], holdout: Sequence[Labelled]) -> str:
    """The comparison as a Markdown table."""
    heads = [*LANGUAGES, "tuning, all", "opt-outs missed", "fit, s", "ms a text"]
    lines = ["| macro-F1 on the holdout | " + " | ".join(heads) + " |", "|---" * 9 + "|"]
    for row in rows:
        chosen, unseen = row.answers[: len(tuning)], row.answers[len(tuning) :]
        cells = [
            f"{_f1([p for p in zip(holdout, unseen, strict=True) if _is_in(p[0], language)]):.3f}"
            for language in LANGUAGES
        ]
        meant = [answer for m, answer in zip(holdout, unseen, strict=True) if m.intent == OPT_OUT]
        cells += [
            f"{_f1(list(zip(tuning, chosen, strict=True))):.3f}",
            f"{sum(answer != OPT_OUT for answer in meant)} of {len(meant)}",
            f"{row.seconds:.0f}",
            "" if row.milliseconds is None else f"{row.milliseconds:.1f}",
        ]
        lines.append(f"| {row.name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _is_in(message: Labelled, language: str) -> bool:
    return message.groups["language"] == language


def _f1(pairs: Sequence[tuple[Labelled, str]]) -> float:
    return macro_f1(intent_figures([Prediction(m, answer, 1.0, "no") for m, answer in pairs]))


def main() -> None:
    """Fit all, print the table, and write it into the page."""
    once = list({example.text: example for example in load(HERE.examples)}.values())
    tuning = read_labelled(HERE.root / "nlu_data" / "tuning")
    holdout = read_labelled(HERE.holdout)
    asked = [message.text for message in (*tuning, *holdout)]
    plain = HERE.root / "var" / "encoder-plain"
    encoder_build.ensure(plain, say=print)
    encoder_build.ensure(HERE.encoder, HERE.adapter, say=print)
    encoders = {"plain": Encoder(plain), "tuned": Encoder(HERE.encoder), None: None}
    rows = [rasas_own(once, asked)]
    for pipeline in PIPELINES:
        print(pipeline.name, flush=True)
        rows.append(fitted(pipeline, once, asked, encoders[pipeline.encoder]))
    made = table(rows, tuning, holdout)
    print(made)
    before, rest = PAGE.read_text("utf-8").split(BEGIN)
    PAGE.write_text(before + BEGIN + made + END + rest.split(END)[1], "utf-8")


if __name__ == "__main__":
    main()
