"""Tables and the unit of work. Import from here: ``from models import Loan``."""

from models.base import Base, Money, UtcDateTime
from models.conversation import (
    ConsentEvent,
    Conversation,
    Handoff,
    Message,
    MessageStatus,
    NluExample,
    Sender,
)
from models.lending import (
    Dispute,
    Extension,
    Instalment,
    Loan,
    Payment,
    PaymentLink,
    Promise,
)
from models.people import Agent, Borrower, Phone
from models.unit_of_work import UnitOfWork, connect, session_factory

__all__ = [
    "Agent",
    "Base",
    "Borrower",
    "ConsentEvent",
    "Conversation",
    "Dispute",
    "Extension",
    "Handoff",
    "Instalment",
    "Loan",
    "Message",
    "MessageStatus",
    "Money",
    "NluExample",
    "Payment",
    "PaymentLink",
    "Phone",
    "Promise",
    "Sender",
    "UnitOfWork",
    "UtcDateTime",
    "connect",
    "session_factory",
]
