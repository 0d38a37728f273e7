"""Our way to read on somebody else's task: a yardstick outside this field.

    python -m training.yardstick TRAIN.csv TEST.csv

Both files have a column ``text`` and one with the label (``intent``, ``category`` or ``label``),
as BANKING77 and CLINC150 have. Nothing of them is kept but sentence vectors, below ``var/cache``.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

from bot.nlu.encoder import Encoder
from training import encoder_build
from training.dataset import Example
from training.pipelines import Pipeline, fitted
from training.train import HERE

LABELS = ("intent", "category", "label")
PIPELINES = (
    Pipeline("n-grams", None),
    Pipeline("plain encoder, four layers", "plain", ngrams=False),
    Pipeline("plain encoder, four layers, n-grams", "plain"),
    Pipeline("plain encoder, four layers, n-grams, weight 3", "plain", dense_weight=3.0),
    Pipeline("tuned encoder, four layers, n-grams", "tuned"),
)
"""The encoder's adapter was tuned to borrowers' texts: elsewhere the plain one is the fair one."""


def read(path: Path) -> list[Example]:
    """Texts with their labels.

    Raises:
        SystemExit: a column is missing.

    """
    with path.open(encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream)
        named = [name for name in LABELS if name in (rows.fieldnames or ())]
        if "text" not in (rows.fieldnames or ()) or not named:
            raise SystemExit(f"{path} needs a column text and one of {', '.join(LABELS)}.")
        return [
            Example(row["text"], row[named[0]], "en", path, line)
            for line, row in enumerate(rows, 2)
        ]


def main() -> None:
    """Fit each pipeline and print its accuracy."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    options = parser.parse_args()
    known, asked = read(options.train), read(options.test)
    plain = HERE.root / "var" / "encoder-plain"
    encoder_build.ensure(plain, say=print)
    encoder_build.ensure(HERE.encoder, HERE.adapter, say=print)
    encoders = {"plain": Encoder(plain), "tuned": Encoder(HERE.encoder), None: None}
    labels = len({example.intent for example in known})
    print(f"{len(known)} texts to learn from, {len(asked)} asked, {labels} labels")
    print("| pipeline | accuracy | fit, s |\n|---|---|---|")
    for pipeline in PIPELINES:
        texts = [example.text for example in asked]
        row = fitted(pipeline, known, texts, encoders[pipeline.encoder])
        right = sum(a == e.intent for a, e in zip(row.answers, asked, strict=True))
        print(f"| {row.name} | {right / len(asked):.3f} | {row.seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
