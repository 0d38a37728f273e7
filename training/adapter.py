"""Tune the sentence encoder to borrowers' texts: a low-rank adapter beside its frozen weights.

    python -m training.adapter [--epochs N]      (needs training/adapter-requirements.txt)

Each of the encoder's matrices W gets two small ones: it becomes W + up @ down (LoRA, Hu et al.
2021). They learn to tell the intents apart and to put texts of one intent near each other; then
``encoder_build`` adds them to the weights, so that serving pays nothing. What is kept,
``nlu_data/adapter``, is two megabytes and a card; it is made once in a while, on purpose, and not
by every training: new examples need only the classifier on top.

One example in eight (``dataset.reserved``) is never shown, so that confidences and thresholds
can be learnt from texts that the encoder does not know.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from bot.nlu import encoder as runtime
from bot.nlu import normalise
from training.dataset import Example, as_rasa_yaml, load, reserved
from training.encoder_build import (
    ADAPTER_CARD,
    ADAPTER_FILE,
    MATRICES,
    POOLED_LAYERS,
    WeightsFile,
    build,
    fetch_weights,
)

Say = Callable[[str], None]
Matrices = dict[str, np.ndarray]
PARTS = ("down", "up")
Start = tuple[Tensor, Tensor]  # down and up of an earlier adapter
SCALE = 2
"""Of what an adapter adds, so that it learns faster than the layer on top."""


@dataclass(frozen=True)
class Recipe:
    """How the adapter is trained.

    Attributes:
        rank: columns of ``down`` and ``up``.
        epochs: times that every text is shown.
        batch: texts a step.
        rate: highest learning rate; it rises over the first 6 % of the steps and falls to 2 %.
        smoothing: of the labels, in the cross-entropy.
        contrast: weight of the supervised contrastive loss (Khosla et al. 2020).
        warmth: its temperature.
        dropout: on the sentence vector, in front of the classes.
        seed: of everything that is drawn.

    """

    rank: int = 16
    epochs: int = 4
    batch: int = 32
    rate: float = 1e-3
    smoothing: float = 0.1
    contrast: float = 0.3
    warmth: float = 0.1
    dropout: float = 0.2
    seed: int = 0


class Projection(nn.Module):
    """A frozen matrix with its adapter: x @ (W + up @ down).T + bias."""

    def __init__(
        self, weight: np.ndarray, bias: np.ndarray, rank: int, start: Start | None
    ) -> None:
        super().__init__()
        outputs, inputs = weight.shape
        self.register_buffer("weight", torch.from_numpy(weight.copy()).bfloat16())
        self.register_buffer("bias", torch.from_numpy(bias).bfloat16())
        down, up = start or (
            torch.randn(rank, inputs) / math.sqrt(inputs),
            torch.zeros(outputs, rank),
        )
        self.down, self.up = nn.Parameter(down), nn.Parameter(up)

    def forward(self, x: Tensor) -> Tensor:
        """Apply to the last axis."""
        # The two products apart: the gradient of W, which nobody needs, is never made.
        frozen = functional.linear(x.bfloat16(), self.weight, self.bias)
        return frozen.float() + SCALE * functional.linear(functional.linear(x, self.down), self.up)


class Layer(nn.Module):
    """One transformer layer with its norms frozen."""

    def __init__(self, weights: WeightsFile, number: int, rank: int, earlier: Matrices) -> None:
        super().__init__()
        hidden, self.heads = weights.shape.hidden, weights.shape.heads
        self.epsilon = float(weights.epsilon)
        prefix = f"l{number}."
        self.matrices = nn.ModuleDict()
        for name in MATRICES:
            inputs = weights.shape.feed_forward if name == "fo" else hidden
            self.matrices[name] = Projection(
                weights.matrix(f"{prefix}{name}.w", inputs),
                weights.vector(f"{prefix}{name}.b"),
                rank,
                _start(earlier, prefix + name),
            )
        for name in ("aln.w", "aln.b", "oln.w", "oln.b"):
            self.register_buffer(
                name.replace(".", "_"), torch.tensor(weights.vector(prefix + name))
            )

    def _heads(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def forward(self, x: Tensor, absent: Tensor) -> Tensor:
        """Read a batch; ``absent`` is minus infinity at the keys that only pad."""
        of, shape = self.matrices, x.shape[-1:]
        query, key, value = (self._heads(of[name](x)) for name in "qkv")
        scores = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1]) + absent
        context = (scores.softmax(-1) @ value).transpose(1, 2).flatten(-2)
        x = functional.layer_norm(
            x + of["ao"](context), shape, self.aln_w, self.aln_b, self.epsilon
        )
        inner = functional.gelu(of["fi"](x))
        return functional.layer_norm(
            x + of["fo"](inner), shape, self.oln_w, self.oln_b, self.epsilon
        )


class Network(nn.Module):
    """The encoder as ``encoder_build`` builds it, with adapters, for batches."""

    def __init__(self, weights: WeightsFile, rank: int, earlier: Matrices) -> None:
        super().__init__()
        self.epsilon = float(weights.epsilon)
        self.register_buffer("ln_w", torch.tensor(weights.vector("emb.ln.w")))
        self.register_buffer("ln_b", torch.tensor(weights.vector("emb.ln.b")))
        self.layers = nn.ModuleList(
            Layer(weights, n, rank, earlier) for n in range(weights.shape.layers)
        )

    def forward(self, embedded: Tensor, there: Tensor) -> Tensor:
        """Sentence vectors, shape (texts, pooled layers * hidden)."""
        x = functional.layer_norm(embedded, embedded.shape[-1:], self.ln_w, self.ln_b, self.epsilon)
        absent = torch.zeros(there.shape).masked_fill(~there, -1e9)[:, None, None, :]
        weight = (there / there.sum(1, keepdim=True))[..., None]
        pooled = []
        for number, layer in enumerate(self.layers, 1):
            x = layer(x, absent)
            if number in POOLED_LAYERS:
                pooled.append((x * weight).sum(1))
        return torch.cat(pooled, 1)


def _start(earlier: Matrices, name: str) -> Start | None:
    if not earlier:
        return None
    down, up = (torch.from_numpy(earlier[f"{name}.{part}"].astype(np.float32)) for part in PARTS)
    return down, up / SCALE


class Texts:
    """Labelled texts as the encoder's frozen first step sees them."""

    def __init__(self, encoder: runtime.Encoder, examples: Sequence[Example]) -> None:
        self.encoder = encoder
        self.classes = sorted({example.intent for example in examples})
        self.labels = np.array([self.classes.index(example.intent) for example in examples])
        self.ids = [encoder.token_ids(normalise.for_encoder(e.text)) for e in examples]

    def batch(self, numbers: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
        """Word vectors, which of them are there, and labels."""
        longest = max(len(self.ids[n]) for n in numbers)
        embedded, there = zip(*(self._padded(n, longest) for n in numbers), strict=True)
        return (
            torch.from_numpy(np.stack(embedded)),
            torch.from_numpy(np.stack(there)),
            torch.from_numpy(self.labels[list(numbers)]),
        )

    def _padded(self, number: int, longest: int) -> tuple[np.ndarray, np.ndarray]:
        vectors = self.encoder.embedded(self.ids[number])
        missing = longest - len(vectors)
        return np.pad(vectors, ((0, missing), (0, 0))), np.arange(longest) < len(vectors)

    def batches(self, size: int, draw: np.random.Generator) -> list[list[int]]:
        """All texts in new order, those of like length together."""
        order = draw.permutation(len(self.ids)).tolist()
        made: list[list[int]] = []
        for start in range(0, len(order), size * 16):
            near = sorted(order[start : start + size * 16], key=lambda n: len(self.ids[n]))
            made += [near[at : at + size] for at in range(0, len(near), size)]
        return [made[n] for n in draw.permutation(len(made))]


def contrastive_loss(vectors: Tensor, labels: Tensor, warmth: float) -> Tensor:
    """Supervised contrastive loss: texts of one label near each other, others away."""
    near = functional.normalize(vectors, dim=1)
    self_pair = torch.eye(len(labels), dtype=torch.bool)
    scores = (near @ near.T / warmth).masked_fill(self_pair, -1e9)
    chances = scores - scores.logsumexp(1, keepdim=True)
    alike = (labels[:, None] == labels[None, :]) & ~self_pair
    partners = alike.sum(1)
    of_each = -(chances * alike).sum(1) / partners.clamp(min=1)
    return of_each[partners > 0].mean() if (partners > 0).any() else scores.sum() * 0


def tune(
    weights: WeightsFile,
    encoder: runtime.Encoder,
    examples: Sequence[Example],
    recipe: Recipe,
    earlier: Matrices,
    say: Say,
) -> tuple[Matrices, float]:
    """Train an adapter on the examples that are not reserved.

    Returns:
        The matrices, ``l<layer>.<name>.down`` and ``.up`` in half precision, and the accuracy on
        the reserved examples, between 0 and 1.

    """
    torch.manual_seed(recipe.seed)
    draw = np.random.default_rng(recipe.seed)
    shown = Texts(encoder, [e for e in examples if not reserved(e.text)])
    held = Texts(encoder, [e for e in examples if reserved(e.text)])
    network = Network(weights, recipe.rank, earlier)
    width = len(POOLED_LAYERS) * weights.shape.hidden
    top = nn.Sequential(
        nn.LayerNorm(width, elementwise_affine=False),
        nn.Dropout(recipe.dropout),
        nn.Linear(width, len(shown.classes)),
    )
    small = list(network.parameters())
    optimiser = torch.optim.AdamW(
        [{"params": small, "lr": recipe.rate}, {"params": top.parameters(), "lr": 2 * recipe.rate}],
        weight_decay=0.01,
    )
    steps = recipe.epochs * math.ceil(len(shown.ids) / recipe.batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda n: min((n + 1) / (0.06 * steps), max(0.02, 1 - n / steps))
    )
    accuracy = 0.0
    for epoch in range(recipe.epochs):
        network.train(), top.train()
        for n, numbers in enumerate(batches := shown.batches(recipe.batch, draw)):
            embedded, there, labels = shown.batch(numbers)
            vectors = network(embedded, there)
            loss = functional.cross_entropy(
                top(vectors), labels, label_smoothing=recipe.smoothing
            ) + recipe.contrast * contrastive_loss(
                vectors[:, -weights.shape.hidden :], labels, recipe.warmth
            )
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(small, 1.0)
            optimiser.step()
            schedule.step()
            if n % 100 == 99:
                say(f"epoch {epoch + 1}/{recipe.epochs}: {n + 1}/{len(batches)} steps")
        accuracy = _accuracy(network, top, held)
        say(f"epoch {epoch + 1}/{recipe.epochs}: {accuracy:.1%} of unseen texts right")
    return dict(_matrices(network)), accuracy


def _matrices(network: Network) -> Iterator[tuple[str, np.ndarray]]:
    for number, layer in enumerate(network.layers):
        for name, projection in layer.matrices.items():
            yield f"l{number}.{name}.down", projection.down.detach().numpy().astype(np.float16)
            yield (
                f"l{number}.{name}.up",
                (SCALE * projection.up).detach().numpy().astype(np.float16),
            )


@torch.no_grad()
def _accuracy(network: Network, top: nn.Module, texts: Texts) -> float:
    network.eval(), top.eval()
    right = 0
    for numbers in texts.batches(64, np.random.default_rng(0)):
        embedded, there, labels = texts.batch(numbers)
        right += int((top(network(embedded, there)).argmax(1) == labels).sum())
    return right / len(texts.ids)


def write(out: Path, matrices: dict[str, np.ndarray], card: dict[str, Any]) -> None:
    """Write the adapter's directory."""
    out.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(out / ADAPTER_FILE, **matrices)
    card["sha256"] = runtime.sha256_of(out / ADAPTER_FILE)
    (out / ADAPTER_CARD).write_text(json.dumps(card, indent=2) + "\n", "utf-8")


def _say(line: str) -> None:
    print(f"adapter: {line}", flush=True)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("nlu_data/adapter"))
    parser.add_argument("--weights", type=Path, help="the weights file, if it is there already")
    parser.add_argument("--epochs", type=int, default=Recipe.epochs)
    parser.add_argument("--rate", type=float, default=Recipe.rate)
    parser.add_argument("--onwards", action="store_true", help="start from the adapter in --out")
    options = parser.parse_args()
    recipe = Recipe(epochs=options.epochs, rate=options.rate)
    earlier: Matrices = {}
    if options.onwards:
        with np.load(options.out / ADAPTER_FILE, allow_pickle=False) as stored:
            earlier = dict(stored)
        before = json.loads((options.out / ADAPTER_CARD).read_text("utf-8"))
    started = time.monotonic()
    examples = load(Path("nlu_data/examples"))
    once = list({example.text: example for example in examples}.values())
    with tempfile.TemporaryDirectory() as scratch:
        source = options.weights or fetch_weights(Path(scratch))
        build(source, Path(scratch, "encoder"))  # for its tokenizer and word vectors
        encoder = runtime.Encoder(Path(scratch, "encoder"))
        matrices, accuracy = tune(WeightsFile(source), encoder, once, recipe, earlier, _say)
    card = {
        "recipe": asdict(recipe),
        "examples": len(once),
        "data_hash": hashlib.sha256(as_rasa_yaml(examples).encode()).hexdigest(),
        "reserved": sum(reserved(example.text) for example in once),
        "accuracy_on_reserved": round(accuracy, 4),
        "normaliser_version": normalise.VERSION,
        "torch": torch.__version__,
        "minutes": round((time.monotonic() - started) / 60, 1),
    }
    if options.onwards:
        card["started_from"] = before
    write(options.out, matrices, card)
    print(json.dumps(card, indent=2))


if __name__ == "__main__":
    main()
