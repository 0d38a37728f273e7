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
    Agreement,
    Case,
    Extension,
    Instalment,
    LenderEvent,
    Loan,
    Payment,
    PaymentEvent,
    PaymentLink,
    PaymentMethod,
    Promise,
)
from models.people import Agent, Borrower, Phone
from models.unit_of_work import UnitOfWork, connect, session_factory

__all__ = [
    "Agent",
    "Agreement",
    "Base",
    "Borrower",
    "Case",
    "ConsentEvent",
    "Conversation",
    "Extension",
    "Handoff",
    "Instalment",
    "LenderEvent",
    "Loan",
    "Message",
    "MessageStatus",
    "Money",
    "NluExample",
    "Payment",
    "PaymentEvent",
    "PaymentLink",
    "PaymentMethod",
    "Phone",
    "Promise",
    "Sender",
    "UnitOfWork",
    "UtcDateTime",
    "connect",
    "session_factory",
]
