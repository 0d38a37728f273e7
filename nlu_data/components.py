"""Rasa 3.6 components: shared normaliser, shared encoder, hybrid linear classifier.

``bot.nlu.normalise``, ``encoder`` and ``model`` are the very files that serving uses, so
PYTHONPATH must name the project's root when ``rasa`` runs here.
"""

from __future__ import annotations

import inspect
import json
import os
from functools import partial
from pathlib import Path
from typing import Any, Dict, List, Optional, Text, Type

import numpy as np
import onnxruntime
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.nlu.constants import TOKENS_NAMES
from rasa.nlu.featurizers.dense_featurizer.dense_featurizer import DenseFeaturizer
from rasa.nlu.tokenizers.tokenizer import Token, Tokenizer
from rasa.shared.exceptions import InvalidConfigException, RasaException
from rasa.shared.nlu.constants import (
    INTENT,
    INTENT_NAME_KEY,
    INTENT_RANKING_KEY,
    PREDICTED_CONFIDENCE_KEY,
    TEXT,
)
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.nlu import encoder, model, normalise, unigram
from training import fit
from training.dataset import reserved
from training.vectors import VectorCache

Component = DefaultV1Recipe.ComponentType

ENCODER_INFO = "encoder_info"
"""Message property: which encoder made the sentence vector; the classifier stores it."""


DETECTED = "detected"
"""Message property: the probability of each intent that has a detector."""

OUT_OF_FOLD_FILE = "out_of_fold.jsonl"
"""One line a training text: what a model that had not seen the text says of it."""

NO_ENCODER = "none"
"""NLU_ENCODER's value for a sparse-only model."""


def _say(line: str) -> None:
    """Progress on standard output; `training.train` passes these lines on."""
    print(f"nlu: {line}", flush=True)


def _source(*modules: Any) -> str:
    """Source text for Rasa's cache: without it a change there would not cause retraining."""
    return "".join(inspect.getsource(module) for module in modules)


def _require_known_keys(name: str, config: Dict[Text, Any], known: Dict[Text, Any]) -> None:
    unknown = {key for key in config if not key.startswith("__")} - set(known)
    if unknown:
        raise InvalidConfigException(f"{name}: unknown option(s) {', '.join(sorted(unknown))}")


@DefaultV1Recipe.register(Component.MESSAGE_TOKENIZER, is_trainable=False)
class NormalisingTokenizer(Tokenizer):
    """Tokens of the normalised text; every Han character is one token.

    Token offsets refer to the *normalised* text, so no entity extractor may follow.
    """

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        """Rasa's own tokenizer options, kept at their defaults."""
        return {
            "intent_tokenization_flag": False,
            "intent_split_symbol": "_",
            "token_pattern": None,
            "prefix_separator_symbol": None,
        }

    @staticmethod
    def required_packages() -> List[Text]:
        """Rasa wants importable names, and its cache a distribution of the same name.

        OpenCC's distribution is called differently, so it cannot be listed.
        """
        return []

    @classmethod
    def fingerprint_addon(cls, config: Dict[Text, Any]) -> Optional[Text]:
        """What else decides the outcome, for Rasa's training cache."""
        return _source(normalise)

    def tokenize(self, message: Message, attribute: Text) -> List[Token]:
        """Normalise and split one attribute of a message."""
        text = normalise.for_sparse(message.get(attribute))
        words = normalise.tokens(text)
        return self._apply_token_pattern(self._convert_words_to_tokens(words, text))


@DefaultV1Recipe.register(Component.MESSAGE_FEATURIZER, is_trainable=False)
class EncoderFeaturizer(DenseFeaturizer, GraphComponent):
    """Adds the encoder's sentence vector to each message."""

    @classmethod
    def required_components(cls) -> List[Type]:
        """Components that must come before."""
        return [Tokenizer]

    @staticmethod
    def required_packages() -> List[Text]:
        """Python packages that must be installed."""
        return ["onnxruntime", "tokenizers"]

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        """Where the encoder is, and how training uses it.

        ``encoder``: directory of the built encoder, or "none" for a sparse-only model;
        ``cache``: directory that keeps the vectors of a training's texts for the next training;
        ``workers``: texts at a time in training.
        """
        return {
            **DenseFeaturizer.get_default_config(),
            "encoder": None,
            "cache": None,
            "threads": 1,
            "workers": os.cpu_count() or 1,
        }

    @classmethod
    def validate_config(cls, config: Dict[Text, Any]) -> None:
        """Fail early on typing errors and a missing encoder."""
        _require_known_keys(cls.__name__, config, cls.get_default_config())
        if not config.get("encoder"):
            raise InvalidConfigException(f"{cls.__name__}: set 'encoder' to the encoder directory")
        if config["encoder"] != NO_ENCODER:
            encoder.read_manifest(config["encoder"])

    @classmethod
    def fingerprint_addon(cls, config: Dict[Text, Any]) -> Optional[Text]:
        """The manifest names every file's hash, so a rebuilt encoder invalidates the cache."""
        if config["encoder"] == NO_ENCODER:
            return NO_ENCODER
        manifest = encoder.read_manifest(config["encoder"])
        return _source(encoder, normalise, unigram) + repr(manifest)

    def __init__(self, config: Dict[Text, Any], name: Text) -> None:
        """Load the encoder."""
        super().__init__(name, config)
        self._encoder: Optional[encoder.Encoder] = None
        if config["encoder"] == NO_ENCODER:
            return
        self._encoder = encoder.Encoder(config["encoder"], threads=config["threads"])
        self._info = {
            "encoder_files": self._encoder.manifest["files"],
            "adapter": self._encoder.manifest["adapter"],
            "onnxruntime": onnxruntime.__version__,
        }

    @classmethod
    def create(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> EncoderFeaturizer:
        """Create the component (also when a trained model is loaded)."""
        return cls(config, execution_context.node_name)

    def _add(self, messages: List[Message], vectors: np.ndarray) -> None:
        """Sentence features only: a copy for every token would cost gigabytes and serve nobody."""
        for message, vector in zip(messages, vectors, strict=True):
            self.add_features_to_message(None, vector[None, :], TEXT, message)
            message.set(ENCODER_INFO, self._info)

    def process(self, messages: List[Message]) -> List[Message]:
        """Featurize incoming messages."""
        if self._encoder:
            written = [message for message in messages if message.get(TEXT)]
            texts = [normalise.for_encoder(message.get(TEXT)) for message in written]
            self._add(written, self._encoder.embed(texts))
        return messages

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Featurize all training examples."""
        if self._encoder is None:
            _say("no encoder: training a sparse-only model")
            return training_data
        written = [m for m in training_data.training_examples if m.get(TEXT)]
        texts = [normalise.for_encoder(message.get(TEXT)) for message in written]
        cache = VectorCache(self._config["cache"], self._encoder.manifest["files"])
        vectors = cache.embed(texts, self._encoder, self._config["workers"], _say)
        self._add(written, vectors)
        return training_data


@DefaultV1Recipe.register(Component.INTENT_CLASSIFIER, is_trainable=True)
class HybridClassifier(IntentClassifier, GraphComponent):
    """One logistic regression over TF-IDF n-grams and the sentence vector, if there is one."""

    @classmethod
    def required_components(cls) -> List[Type]:
        """Components that must come before. The featurizer is optional: sparse-only works."""
        return [Tokenizer]

    @staticmethod
    def required_packages() -> List[Text]:
        """Python packages that must be installed."""
        return ["sklearn", "scipy"]

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        """What did best on the borrower texts, by out-of-fold accuracy.

        ``least_texts``: an n-gram is kept when so many texts hold it; ``dense_weight``: the
        sentence vector's weight beside the n-grams; ``C``: inverse strength of the penalty;
        ``sure_without_vector``: above which confidence the n-grams' answer stands by itself;
        ``detectors``: intents that are looked for in every text, whatever else it says.
        """
        return {
            "word_ngrams": [1, 2],
            "char_ngrams": [1, 4],
            "least_texts": 2,
            "dense_weight": 0.1,
            "sure_without_vector": 0.8,
            "C": 10.0,
            "max_iter": 1000,
            "tol": 1e-4,
            "detectors": [],
            "ranking_length": 10,
        }

    @classmethod
    def validate_config(cls, config: Dict[Text, Any]) -> None:
        """Fail early on typing errors."""
        _require_known_keys(cls.__name__, config, cls.get_default_config())

    @classmethod
    def fingerprint_addon(cls, config: Dict[Text, Any]) -> Optional[Text]:
        """What else decides the outcome, for Rasa's training cache."""
        return _source(model, normalise, fit)

    def __init__(
        self,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        trained: Optional[model.HybridModel] = None,
    ) -> None:
        """Hold the configuration and, once trained or loaded, the model."""
        self.validate_config(config)  # Rasa itself calls it for featurizers only
        self._config = {**self.get_default_config(), **config}
        self._model_storage = model_storage
        self._resource = resource
        self._model = trained

    @classmethod
    def create(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> HybridClassifier:
        """Create an untrained component."""
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> HybridClassifier:
        """Load a trained component."""
        with model_storage.read_from(resource) as directory:
            return cls(config, model_storage, resource, model.HybridModel.load(directory))

    @staticmethod
    def _dense(message: Message) -> Optional[np.ndarray]:
        """The sentence vector that a dense featurizer left on the message."""
        _, sentence = message.get_dense_features(TEXT)
        return None if sentence is None else sentence.features[0]

    def _require_same_encoder(self, message: Message) -> None:
        """Refuse vectors of another encoder than the one that this model was trained with."""
        info = message.get(ENCODER_INFO)
        if info and info["encoder_files"] != self._model.metadata.get("encoder_files"):
            raise RasaException("the encoder's files changed after training: train again")

    @staticmethod
    def _words(message: Message) -> List[str]:
        return [token.text for token in message.get(TOKENS_NAMES[TEXT]) or []]

    def train(self, training_data: TrainingData) -> Resource:
        """Fit features and the linear layer, and store them."""
        examples = [e for e in training_data.intent_examples if e.get(INTENT) and e.get(TEXT)]
        intents = [e.get(INTENT) for e in examples]
        texts = [e.get(TEXT) for e in examples]
        if len(set(intents)) < 2:
            raise RasaException("HybridClassifier needs examples of at least two intents")
        vectors = [self._dense(e) for e in examples]
        dense = None if any(v is None for v in vectors) else np.stack(vectors)
        hybrid = model.HybridModel(
            blocks=[
                model.TfidfBlock(kind, *self._config[option], self._config["least_texts"])
                for kind, option in (("word", "word_ngrams"), ("char_wb", "char_ngrams"))
            ],
            dense_weight=float(self._config["dense_weight"]),
            sure_without_vector=float(self._config["sure_without_vector"]),
            detectors=list(self._config["detectors"]),
        )
        info = {} if dense is None else examples[0].get(ENCODER_INFO)
        # An encoder that was tuned on the examples is too sure about those that it knows.
        unknown = np.array([not info.get("adapter") or reserved(text) for text in texts])
        unseen = fit.train(
            hybrid,
            [normalise.for_sparse(text) for text in texts],
            [self._words(e) for e in examples],
            dense,
            intents,
            calibrate_on=unknown,
            c=self._config["C"],
            max_iter=self._config["max_iter"],
            tol=self._config["tol"],
            say=_say,
        )
        hybrid.metadata = {"examples": len(examples), "C": self._config["C"], **info}
        self._model = hybrid
        lines = [
            json.dumps(
                {
                    "text": texts[row],
                    "intent": intents[row],
                    "probabilities": [round(float(p), 5) for p in unseen.probabilities[row]],
                    "detected": [round(float(p), 5) for p in unseen.detected[row]],
                },
                ensure_ascii=False,
            )
            for row in np.flatnonzero(unknown)
        ]
        with self._model_storage.write_to(self._resource) as directory:
            hybrid.save(directory)
            Path(directory, OUT_OF_FOLD_FILE).write_text("\n".join(lines) + "\n", "utf-8")
        return self._resource

    def process(self, messages: List[Message]) -> List[Message]:
        """Set the intent and the ranking on incoming messages."""
        if self._model is None:
            raise RasaException("HybridClassifier has not been trained")
        for message in messages:
            text = normalise.for_sparse(message.get(TEXT) or "")
            reading = model.Reading()
            if text:
                self._require_same_encoder(message)
                dense = self._dense(message)
                embed = None if dense is None else partial(np.asarray, dense)
                reading = self._model.read(text, self._words(message), embed)
            entries = [
                {INTENT_NAME_KEY: name, PREDICTED_CONFIDENCE_KEY: value}
                for name, value in reading.ranking
            ]
            nothing = {INTENT_NAME_KEY: None, PREDICTED_CONFIDENCE_KEY: 0.0}
            length = self._config["ranking_length"] or len(entries)
            message.set(INTENT, entries[0] if entries else nothing, add_to_output=True)
            message.set(INTENT_RANKING_KEY, entries[:length], add_to_output=True)
            message.set(DETECTED, reading.detected, add_to_output=True)
        return messages

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Nothing later in the pipeline needs predictions on the training data."""
        return training_data
