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
ours = fit.fit_linear(sparse, dense, np.eye(3)[labels], c=3, max_iter=2000, tol=1e-6)
scores = ours.scores(sparse, dense)
scores -= scores.mean(axis=1, keepdims=True)
expected = both @ reference.coef_.T + reference.intercept_
expected -= expected.mean(axis=1, keepdims=True)
assert np.abs(scores - expected).max() < 0.05, np.abs(scores - expected).max()
"""

SAME_QUESTIONS = """
from sklearn.linear_model import LogisticRegression
both = np.hstack([sparse.toarray(), dense])
answers = np.stack([labels == 1, labels == 2], axis=1).astype(float)
answers[:30, 1] = np.nan
ours = fit.fit_linear(sparse, dense, np.eye(3)[labels], answers, c=3, max_iter=2000, tol=1e-6)
scores = ours.scores(sparse, dense)
for column in (0, 1):
    told = ~np.isnan(answers[:, column])
    reference = LogisticRegression(C=3, max_iter=5000, tol=1e-8)
    reference.fit(both[told], answers[told, column])
    expected = reference.decision_function(both)
    assert np.abs(scores[:, 3 + column] - expected).max() < 0.05
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
model = HybridModel([TfidfBlock("word", 1, 1)], 1.0, detectors=["2", "none of them"])
intents = [str(x) for x in random.randint(0, 3, 300)]
unseen = fit.train(model, texts, words, random.randn(300, 4).astype(np.float32), intents,
                   calibrate_on=np.ones(300, bool), c=10, max_iter=100, tol=1e-4)
right = np.mean([model.classes[row.argmax()] == i for row, i in zip(unseen.probabilities, intents)])
assert right < 0.45, right
assert np.allclose(unseen.probabilities.sum(axis=1), 1, atol=1e-4)
assert model.detectors == ["2"] and unseen.detected.shape == (300, 1)
found = [model.read(t, w, lambda: np.zeros(4, np.float32)) for t, w in zip(texts, words)]
for reading, intent in zip(found, intents):
    assert (reading.detected["2"] > 0.5) == (intent == "2"), (reading, intent)
seen = [model.read(t, w, lambda: np.zeros(4, np.float32)).ranking[0][0] == i
        for t, w, i in zip(texts, words, intents)]
assert np.mean(seen) > 0.9, np.mean(seen)
"""

DETECTOR = """
# A cry for help may hold an opt-out too: it must not teach that its words are none.
texts = ["stop now"] * 20 + ["die now"] * 20 + ["stop die"] * 20 + ["pay now"] * 20
intents = ["stop_messaging"] * 20 + ["crisis"] * 40 + ["pay_now"] * 20
model = HybridModel([TfidfBlock("word", 1, 1)], 1.0, detectors=["crisis", "stop_messaging"])
words = [t.split() for t in texts]
fit.train(model, texts, words, None, intents, calibrate_on=np.ones(80, bool), c=10, max_iter=100,
          tol=1e-4)
both = model.read("stop die", ["stop", "die"], None).detected
assert both["crisis"] > 0.8 and both["stop_messaging"] > 0.4, both  # the softmax's half is crisis
neither = model.read("pay now", ["pay", "now"], None).detected
assert max(neither.values()) < 0.2, neither
"""

CALIBRATED_ON = """
texts = [f"word{n % 40}" for n in range(400)]
words = [[t] for t in texts]
intents = [str(n % 40 % 2) for n in range(400)]
spoilt = [str(random.randint(0, 2)) for n in range(400)]
mixed = [i if n < 200 else s for n, (i, s) in enumerate(zip(intents, spoilt))]
found = []
for part in (np.arange(400) < 200, np.arange(400) >= 200):
    model = HybridModel([TfidfBlock("word", 1, 1)], 1.0)
    fit.train(model, texts, words, None, mixed, calibrate_on=part, c=10, max_iter=100, tol=1e-4)
    found.append(model.temperatures[0])
assert found[1] > 2 * found[0], found  # among labels that are chance nobody can be sure
"""

FOLDS = """
folds = fit.stratified_folds(labels, 3)
for label in range(3):
    sizes = np.bincount(folds[labels == label], minlength=3)
    assert sizes.max() - sizes.min() <= 1, sizes
assert (folds == fit.stratified_folds(labels, 3)).all()
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
    [
        SAME_OPTIMUM,
        SAME_QUESTIONS,
        SAME_FEATURES,
        UNSEEN_WORDS,
        TEMPERATURE,
        OUT_OF_FOLD,
        DETECTOR,
        CALIBRATED_ON,
        FOLDS,
    ],
    ids=[
        "the optimum is scikit-learn's",
        "detectors are logistic regressions of their own",
        "folds see the features that serving makes",
        "a fold knows no words of the texts held out",
        "the temperature that spoilt the scores is found",
        "out-of-fold answers come from models that had not seen the text",
        "a text may mean both what two detectors look for",
        "only the texts named calibrate",
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
