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
from scipy.special import logsumexp

from bot.nlu.model import HybridModel, TfidfBlock, smoothed_idf

FOLDS = 5


@dataclass(frozen=True)
class Linear:
    """A fitted linear layer: features x classes, classes, and the iterations it took."""

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
    labels: np.ndarray,
    classes: int,
    *,
    c: float,
    max_iter: int,
    tol: float,
) -> Linear:
    """Minimise the cross-entropy plus ``|W|² / 2C``; the intercepts are not penalised.

    Args:
        sparse: CSR matrix of n-gram features, one row a text.
        dense: sentence vectors, or None.
        labels: class numbers.
        classes: how many classes there are.
        c: inverse strength of the penalty.
        max_iter: at most this many L-BFGS iterations.
        tol: stop when no component of the gradient of the mean loss is larger.

    """
    count, width = sparse.shape
    features = width + (0 if dense is None else dense.shape[1])
    sparse = sparse.astype(np.float32)
    transposed = sparse.T.tocsr()
    target = np.zeros((count, classes), np.float32)
    target[np.arange(count), labels] = 1

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        stacked = flat.reshape(features + 1, classes)
        weights = stacked[:-1].astype(np.float32)
        scores = sparse @ weights[:width] + stacked[-1].astype(np.float32)
        if dense is not None:
            scores += dense @ weights[width:]
        scores -= scores.max(axis=1, keepdims=True)
        normaliser = np.log(np.exp(scores).sum(axis=1, keepdims=True))
        error = np.exp(scores - normaliser) - target
        value = float((normaliser[:, 0] - scores[np.arange(count), labels]).sum(dtype=np.float64))
        gradient = np.empty_like(stacked)
        gradient[:width] = transposed @ error
        if dense is not None:
            gradient[width:-1] = dense.T @ error
        gradient[:-1] += stacked[:-1] / c
        gradient[-1] = error.sum(axis=0)
        penalty = float(np.dot(flat[:-classes], flat[:-classes])) / (2 * c)
        return (value + penalty) / count, gradient.ravel() / count

    result = minimize(
        loss,
        np.zeros((features + 1) * classes),
        method="L-BFGS-B",
        jac=True,
        options={"maxiter": max_iter, "gtol": tol, "ftol": 1e-7, "maxcor": 10},
    )
    stacked = result.x.reshape(features + 1, classes)
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


def stratified_folds(labels: np.ndarray, folds: int = FOLDS) -> np.ndarray:
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


def train(
    model: HybridModel,
    texts: Sequence[str],
    words: Sequence[Sequence[str]],
    dense: np.ndarray | None,
    intents: Sequence[str],
    *,
    c: float,
    max_iter: int,
    tol: float,
    say: Callable[[str], None] = lambda line: None,
) -> np.ndarray:
    """Fit a model in place; give back what it says of texts that it has not seen.

    Every text is scored once by a model that was fitted, features and all, without it. These
    scores give the temperature, and the caller the thresholds and the accuracy.

    Returns:
        Calibrated out-of-fold probabilities, one row a text, columns as ``model.classes``.

    """
    model.classes = sorted(set(intents))
    number = {name: n for n, name in enumerate(model.classes)}
    labels = np.array([number[intent] for intent in intents])
    model.fit_features(texts, words, dense)
    say(f"{len(texts)} texts, {model.sparse_dimension} n-grams")
    counts = [count_matrix(block, texts, words) for block in model.blocks]

    def fit(known: np.ndarray) -> tuple[Linear, Any, np.ndarray | None]:
        sparse = hstack([weigh(block, known) for block in counts], format="csr")
        vectors = None if dense is None else standardised(model, dense, known)
        linear = fit_linear(
            sparse[known],
            None if vectors is None else vectors[known],
            labels[known],
            len(model.classes),
            c=c,
            max_iter=max_iter,
            tol=tol,
        )
        return linear, sparse, vectors

    scores = np.zeros((len(texts), len(model.classes)), np.float32)
    fold_of = stratified_folds(labels)
    for fold in range(FOLDS):
        held = np.flatnonzero(fold_of == fold)
        linear, sparse, vectors = fit(np.flatnonzero(fold_of != fold))
        scores[held] = linear.scores(sparse[held], None if vectors is None else vectors[held])
        right = float((scores[held].argmax(axis=1) == labels[held]).mean())
        say(
            f"cross-validation {fold + 1}/{FOLDS}: {right:.1%} of {len(held)} unseen texts right, "
            f"{linear.iterations} iterations"
        )
    linear, _, _ = fit(np.arange(len(texts)))
    say(f"final fit: {linear.iterations} iterations")
    model.coefficients, model.intercept = linear.coefficients, linear.intercept
    model.temperature = best_temperature(scores, labels)
    scaled = scores / model.temperature
    return np.exp(scaled - logsumexp(scaled, axis=1, keepdims=True)).astype(np.float32)


def standardised(model: HybridModel, dense: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Dense features as the model makes them, learnt from the ``known`` rows alone."""
    part = HybridModel(
        blocks=[],
        dense_weight=model.dense_weight,
        mean=dense[known].mean(axis=0).astype(np.float32),
        deviation=(dense[known].std(axis=0) + 1e-6).astype(np.float32),
    )
    return part.dense_features(dense)
