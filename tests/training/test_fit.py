"""Fitting needs scipy and scikit-learn, so the checks run in Rasa's environment."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.nlu.trained import ROOT, rasa_python

SAME_OPTIMUM = """
from sklearn.linear_model import LogisticRegression
both = np.hstack([sparse.toarray(), dense])
reference = LogisticRegression(C=3, max_iter=5000, tol=1e-8).fit(both, labels)
ours = fit.fit_linear(sparse, dense, labels, 3, c=3, max_iter=2000, tol=1e-6)
scores = ours.scores(sparse, dense)
scores -= scores.mean(axis=1, keepdims=True)
expected = both @ reference.coef_.T + reference.intercept_
expected -= expected.mean(axis=1, keepdims=True)
assert np.abs(scores - expected).max() < 0.05, np.abs(scores - expected).max()
"""

SAME_FEATURES = """
texts = ["pay now", "pay later", "no no", "hola", "pay"]
words = [t.split() for t in texts]
block = TfidfBlock("word", 1, 2).fit(texts, words)
made = fit.weigh(fit.count_matrix(block, texts, words), np.arange(5)).toarray()
for row, text, tokens in zip(made, texts, words):
    columns, values = block.transform(text, tokens)
    expected = np.zeros(len(block.idf))
    expected[columns] = values
    assert np.allclose(row, expected, atol=1e-6), (row, expected)
"""

UNSEEN_WORDS = """
texts = ["pay now", "pay later", "pay surprise"]
words = [t.split() for t in texts]
block = TfidfBlock("word", 1, 1).fit(texts, words)
made = fit.weigh(fit.count_matrix(block, texts, words), np.array([0, 1])).toarray()
assert made[2][block.vocabulary["surprise"]] == 0
assert np.isclose(made[2][block.vocabulary["pay"]], 1)
"""

TEMPERATURE = """
scores = random.randn(4000, 3)
chances = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
truth = np.array([random.choice(3, p=p) for p in chances])
found = fit.best_temperature(scores * 4, truth)
assert 3.5 < found < 4.5, found
"""

OUT_OF_FOLD = """
# Labels are chance: only a model that had seen the texts could be right about them.
texts = [f"word{n}" for n in range(300)]
words = [[t] for t in texts]
model = HybridModel([TfidfBlock("word", 1, 1)], 1.0)
intents = [str(x) for x in random.randint(0, 3, 300)]
unseen = fit.train(model, texts, words, random.randn(300, 4).astype(np.float32), intents,
                   c=10, max_iter=100, tol=1e-4)
right = np.mean([model.classes[row.argmax()] == i for row, i in zip(unseen, intents)])
assert right < 0.45, right
assert np.allclose(unseen.sum(axis=1), 1, atol=1e-4)
seen = [model.rank(t, w, np.zeros(4, np.float32))[0][0] == i
        for t, w, i in zip(texts, words, intents)]
assert np.mean(seen) > 0.9, np.mean(seen)
"""

FOLDS = """
folds = fit.stratified_folds(labels)
for label in range(3):
    sizes = np.bincount(folds[labels == label], minlength=fit.FOLDS)
    assert sizes.max() - sizes.min() <= 1, sizes
assert (folds == fit.stratified_folds(labels)).all()
"""

PRELUDE = """
import numpy as np
from scipy.sparse import random as random_sparse
from bot.nlu.model import HybridModel, TfidfBlock
from training import fit
random = np.random.RandomState(1)
sparse = random_sparse(90, 20, density=0.2, format="csr", random_state=1)
dense = random.randn(90, 4).astype(np.float32)
labels = random.randint(0, 3, 90)
"""


@pytest.mark.parametrize(
    "check",
    [SAME_OPTIMUM, SAME_FEATURES, UNSEEN_WORDS, TEMPERATURE, OUT_OF_FOLD, FOLDS],
    ids=[
        "the optimum is scikit-learn's",
        "folds see the features that serving makes",
        "a fold knows no words of the texts held out",
        "the temperature that spoilt the scores is found",
        "out-of-fold answers come from models that had not seen the text",
        "folds are even and always the same",
    ],
)
def test_fitting(check: str) -> None:
    done = subprocess.run(
        [str(rasa_python()), "-W", "ignore", "-c", PRELUDE + check],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-1500:]
