"""Fit the classifier's linear layer and calibrate it. Runs inside Rasa's environment (scipy).

The same optimum as scikit-learn's multinomial logistic regression with an L2 penalty. Written out
because scikit-learn takes one matrix: with the sentence vectors inside a sparse matrix nine
thousand texts take many times longer than with the n-grams sparse and the vectors dense.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.sparse import csr_matrix, hstack
from scipy.special import expit, logsumexp

from bot.nlu.model import HybridModel, TfidfBlock, smoothed_idf

MOST_HELD_OUT = 3
"""No fit that is to judge texts leaves out more than one in so many."""


@dataclass(frozen=True)
class Linear:
    """A fitted linear layer: features x columns, columns, and the iterations it took."""

    coefficients: np.ndarray
    intercept: np.ndarray
    iterations: int

    def scores(self, sparse: Any, dense: np.ndarray | None) -> np.ndarray:
        """Scores of many messages, one row each."""
        width = sparse.shape[1]
        scores = sparse @ self.coefficients[:width] + self.intercept
        return scores if dense is None else scores + dense @ self.coefficients[width:]


def fit_linear(
    sparse: Any,
    dense: np.ndarray | None,
    classes: np.ndarray,
    questions: np.ndarray | None = None,
    *,
    start: Linear | None = None,
    c: float,
    max_iter: int,
    tol: float,
) -> Linear:
    """Minimise the cross-entropy plus ``|W|² / 2C``; the intercepts are not penalised.

    Columns of the result: one a class (one softmax), then one a question (each its own logistic
    regression). They share nothing, but are fitted together because that costs hardly more than
    the classes alone.

    Args:
        sparse: CSR matrix of n-gram features, one row a text.
        dense: sentence vectors, or None.
        classes: 1 in the column of a text's class, else 0.
        questions: 1 where the answer is yes, 0 where it is no, NaN where the text tells neither;
            None for no questions.
        start: where to begin: the fit of nearly the same texts is near. The optimum is one.
        c: inverse strength of the penalty.
        max_iter: at most this many L-BFGS iterations.
        tol: stop when no component of the gradient of the mean loss is larger.

    """
    count, width = sparse.shape
    features = width + (0 if dense is None else dense.shape[1])
    sparse = sparse.astype(np.float32)
    transposed = sparse.T.tocsr()
    answers = np.zeros((count, 0)) if questions is None else questions
    told = ~np.isnan(answers)
    target = np.hstack([classes, np.nan_to_num(answers)]).astype(np.float32)
    split = classes.shape[1]

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        stacked = flat.reshape(features + 1, target.shape[1])
        weights = stacked[:-1].astype(np.float32)
        scores = sparse @ weights[:width] + stacked[-1].astype(np.float32)
        if dense is not None:
            scores += dense @ weights[width:]
        chances = np.empty_like(scores)
        normaliser = logsumexp(scores[:, :split], axis=1, keepdims=True)
        chances[:, :split] = np.exp(scores[:, :split] - normaliser)
        chances[:, split:] = expit(scores[:, split:])
        error = chances - target
        error[:, split:] *= told
        value = (normaliser[:, 0] - (scores * target)[:, :split].sum(axis=1)).sum(dtype=np.float64)
        of_questions = np.logaddexp(0, scores[:, split:]) - (scores * target)[:, split:]
        value += (of_questions * told).sum(dtype=np.float64)
        gradient = np.empty_like(stacked)
        gradient[:width] = transposed @ error
        if dense is not None:
            gradient[width:-1] = dense.T @ error
        gradient[:-1] += stacked[:-1] / c
        gradient[-1] = error.sum(axis=0)
        penalty = float(np.dot(flat[: -len(stacked[0])], flat[: -len(stacked[0])])) / (2 * c)
        return (float(value) + penalty) / count, gradient.ravel() / count

    first = np.zeros((features + 1, target.shape[1]))
    if start is not None:
        first[:-1], first[-1] = start.coefficients, start.intercept
    result = minimize(
        loss,
        first.ravel(),
        method="L-BFGS-B",
        jac=True,
        options={"maxiter": max_iter, "gtol": tol, "ftol": 1e-7, "maxcor": 10},
    )
    stacked = result.x.reshape(features + 1, target.shape[1])
    return Linear(stacked[:-1].astype(np.float32), stacked[-1].astype(np.float32), int(result.nit))


def count_matrix(block: TfidfBlock, texts: Sequence[str], words: Sequence[Sequence[str]]) -> Any:
    """How often each n-gram of a fitted block is in each text, as a CSR matrix."""
    rows = [block.count(text, tokens) for text, tokens in zip(texts, words, strict=True)]
    starts = np.cumsum([0] + [len(row) for row in rows])
    columns = np.fromiter((c for row in rows for c in row), np.int32, starts[-1])
    values = np.fromiter((v for row in rows for v in row.values()), np.float32, starts[-1])
    return csr_matrix((values, columns, starts), shape=(len(rows), len(block.idf)))


def weigh(counts: Any, known: np.ndarray) -> Any:
    """TF-IDF of a count matrix as ``TfidfBlock`` makes it, learnt from the ``known`` rows alone."""
    frequency = np.bincount(counts[known].indices, minlength=counts.shape[1])
    idf = np.where(frequency > 0, smoothed_idf(frequency.astype(np.float64), len(known)), 0)
    matrix = counts.copy()
    matrix.data = (1 + np.log(matrix.data)) * idf[matrix.indices]
    squares = np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel()
    norms = np.sqrt(np.where(squares > 0, squares, 1))
    matrix.data = (matrix.data / np.repeat(norms, np.diff(matrix.indptr))).astype(np.float32)
    return matrix


def stratified_folds(labels: np.ndarray, folds: int) -> np.ndarray:
    """A fold number for every text, every class spread evenly; the same on every run."""
    random = np.random.RandomState(0)
    numbers = np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        members = random.permutation(np.flatnonzero(labels == label))
        numbers[members] = np.arange(len(members)) % folds
    return numbers


def best_temperature(scores: np.ndarray, labels: np.ndarray) -> float:
    """The temperature that makes the confidences of unseen texts most likely."""

    def loss(log_temperature: float) -> float:
        scaled = scores / np.exp(log_temperature)
        return float((logsumexp(scaled, axis=1) - scaled[np.arange(len(labels)), labels]).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-2, 2), method="bounded").x))


@dataclass(frozen=True)
class Unseen:
    """What a model that had not seen them says of the training texts, a row a text.

    Only rows that the caller calibrates on are filled.

    Attributes:
        probabilities: calibrated, columns as the model's classes.
        detected: calibrated, columns as its detectors.

    """

    probabilities: np.ndarray
    detected: np.ndarray


def train(
    model: HybridModel,
    texts: Sequence[str],
    words: Sequence[Sequence[str]],
    dense: np.ndarray | None,
    intents: Sequence[str],
    *,
    calibrate_on: np.ndarray,
    c: float,
    max_iter: int,
    tol: float,
    say: Callable[[str], None] = lambda line: None,
) -> Unseen:
    """Fit a model in place; give back what it says of texts that it has not seen.

    Every text to calibrate on is scored once by a model that was fitted, features and all, without
    it. These scores give the temperatures, and the caller the thresholds and the accuracy.

    Args:
        model: with its blocks, its ``dense_weight`` and the intents that get a detector.
        texts: outputs of ``normalise.for_sparse``.
        words: outputs of ``normalise.tokens``.
        dense: the sentence vectors, None for a sparse-only model.
        intents: the labels.
        calibrate_on: which texts the temperatures may be learnt from: those that the encoder was
            not tuned on.
        c: inverse strength of the penalty.
        max_iter: at most this many iterations a fit.
        tol: see :func:`fit_linear`.
        say: told about each fit.

    """
    model.classes = sorted(set(intents))
    model.detectors = [name for name in model.detectors if name in model.classes]
    number = {name: n for n, name in enumerate(model.classes)}
    labels = np.array([number[intent] for intent in intents])
    classes = np.eye(len(model.classes))[labels]
    questions = _questions(model.detectors, np.array(intents))
    model.fit_features(texts, words, dense)
    say(f"{len(texts)} texts, {model.sparse_dimension} n-grams")
    counts = [count_matrix(block, texts, words) for block in model.blocks]

    def fit(
        known: np.ndarray, start: Linear | None = None
    ) -> tuple[Linear, Any, np.ndarray | None]:
        sparse = hstack([weigh(block, known) for block in counts], format="csr")
        vectors = None if dense is None else standardised(model, dense, known)
        linear = fit_linear(
            sparse[known],
            None if vectors is None else vectors[known],
            classes[known],
            questions[known],
            start=start,
            c=c,
            max_iter=max_iter,
            tol=tol,
        )
        return linear, sparse, vectors

    scores = np.zeros((len(texts), classes.shape[1] + questions.shape[1]), np.float32)
    judged = np.flatnonzero(calibrate_on)
    folds = max(1, round(MOST_HELD_OUT * len(judged) / len(texts)))
    fold_of = stratified_folds(labels[judged], folds)
    linear = None
    for fold in range(folds):
        held = judged[fold_of == fold]
        known = np.setdiff1d(np.arange(len(texts)), held)
        linear, sparse, vectors = fit(known)
        scores[held] = linear.scores(sparse[held], None if vectors is None else vectors[held])
        right = (scores[held, : len(model.classes)].argmax(axis=1) == labels[held]).mean()
        say(
            f"cross-validation {fold + 1}/{folds}: {right:.1%} of {len(held)} unseen texts right, "
            f"{linear.iterations} iterations"
        )
    linear, _, _ = fit(np.arange(len(texts)), linear)
    say(f"final fit: {linear.iterations} iterations")
    model.coefficients, model.intercept = linear.coefficients, linear.intercept
    model.temperatures = [
        best_temperature(scores[calibrate_on, : len(model.classes)], labels[calibrate_on])
    ]
    for column, answers in enumerate(questions.T, len(model.classes)):
        told = calibrate_on & ~np.isnan(answers)
        both = np.stack([np.zeros(told.sum()), scores[told, column]], axis=1)
        model.temperatures.append(best_temperature(both, answers[told].astype(np.int64)))
    return Unseen(*model.probabilities(scores))


NO_TELLING = {"stop_messaging": ("crisis",)}
"""Intents that take precedence over one with a detector: such a text may well mean both, so it
is neither an example nor a counter-example."""


def _questions(detectors: Sequence[str], intents: np.ndarray) -> np.ndarray:
    """A column a detector: 1 for yes, 0 for no, NaN where the label does not tell."""
    columns = np.zeros((len(intents), len(detectors)))
    for column, name in enumerate(detectors):
        columns[:, column] = intents == name
        columns[np.isin(intents, NO_TELLING.get(name, ())), column] = np.nan
    return columns


def standardised(model: HybridModel, dense: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Dense features as the model makes them, learnt from the ``known`` rows alone."""
    part = HybridModel(
        blocks=[],
        dense_weight=model.dense_weight,
        mean=dense[known].mean(axis=0).astype(np.float32),
        deviation=(dense[known].std(axis=0) + 1e-6).astype(np.float32),
    )
    return part.dense_features(dense)
