"""What the lender's rules allow, read from ``policy.toml`` and checked once."""

from bot.policy.policy import Policy
from bot.policy.reading import PolicyError
from bot.policy.sections import IDENTITY_KINDS

__all__ = ["IDENTITY_KINDS", "Policy", "PolicyError"]
