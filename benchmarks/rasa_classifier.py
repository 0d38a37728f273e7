"""A Rasa component for the peer's model: our classifier, trained already. Runs on Python 3.10."""

from __future__ import annotations

from typing import Any

from rasa.engine.graph import ExecutionContext
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage

from bot.nlu.model import HybridModel
from nlu_data.components import HybridClassifier


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class TrainedClassifier(HybridClassifier):
    """The classifier in the directory ``model``: same weights, and no training for a benchmark."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """The parent's options and ``model``, the directory."""
        return {**HybridClassifier.get_default_config(), "model": None}

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> TrainedClassifier:
        """Take the weights from the directory, in training."""
        return cls(config, model_storage, resource, HybridModel.load(config["model"]))

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> TrainedClassifier:
        """Take the weights from the directory, in serving."""
        return cls.create(config, model_storage, resource, execution_context)
