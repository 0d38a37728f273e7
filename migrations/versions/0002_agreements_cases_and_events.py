"""agreements, cases and events

Revision: 0002; follows 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "payment_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("gateway", sa.String(length=16), nullable=False),
        sa.Column("external_id", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("result", sa.String(length=24), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_events")),
        sa.UniqueConstraint(
            "gateway", "external_id", name=op.f("uq_payment_events_gateway_external_id")
        ),
    )
    op.create_index(op.f("ix_payment_events_result"), "payment_events", ["result"])
    op.create_table(
        "payment_methods",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "borrower_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("gateway", sa.String(length=16), nullable=False),
        sa.Column("customer", sa.String(length=80), nullable=False),
        sa.Column("external_id", sa.String(length=80), nullable=False),
        sa.Column("label", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["borrower_id"], ["borrowers.id"], name=op.f("fk_payment_methods_borrower_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_methods")),
        sa.UniqueConstraint(
            "gateway", "external_id", name=op.f("uq_payment_methods_gateway_external_id")
        ),
    )
    with op.batch_alter_table("payment_methods", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_payment_methods_borrower_id"), ["borrower_id"], unique=False
        )

    op.create_table(
        "agreements",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("loan_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("paid", sa.BigInteger(), nullable=False),
        sa.Column("forgiven", sa.BigInteger(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_agreements_amount_positive")),
        sa.CheckConstraint("forgiven >= 0", name=op.f("ck_agreements_forgiven_not_negative")),
        sa.ForeignKeyConstraint(["loan_id"], ["loans.id"], name=op.f("fk_agreements_loan_id")),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_agreements_message_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreements")),
    )
    with op.batch_alter_table("agreements", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_agreements_loan_id"), ["loan_id"], unique=False)
        batch_op.create_index(
            "uq_agreements_open",
            ["loan_id"],
            unique=True,
            sqlite_where=sa.text("status = 'open'"),
            postgresql_where=sa.text("status = 'open'"),
        )

    op.create_table(
        "cases",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "borrower_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("loan_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("case_number", sa.String(length=16), nullable=False),
        sa.Column("topic", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer_due_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["borrower_id"], ["borrowers.id"], name=op.f("fk_cases_borrower_id")
        ),
        sa.ForeignKeyConstraint(["loan_id"], ["loans.id"], name=op.f("fk_cases_loan_id")),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_cases_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
        sa.UniqueConstraint("case_number", name=op.f("uq_cases_case_number")),
    )
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_cases_borrower_id"), ["borrower_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_cases_loan_id"), ["loan_id"], unique=False)

    op.create_table(
        "lender_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "borrower_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("loan_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["borrower_id"], ["borrowers.id"], name=op.f("fk_lender_events_borrower_id")
        ),
        sa.ForeignKeyConstraint(["loan_id"], ["loans.id"], name=op.f("fk_lender_events_loan_id")),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_lender_events_message_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lender_events")),
    )
    with op.batch_alter_table("lender_events", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_lender_events_borrower_id"), ["borrower_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_lender_events_loan_id"), ["loan_id"], unique=False)

    # A dispute is a case of its topic.
    op.execute(
        "INSERT INTO cases (id, borrower_id, loan_id, message_id, case_number, topic, kind, "
        "statement, details, status, created_at, answer_due_on) "
        "SELECT d.id, l.borrower_id, d.loan_id, d.message_id, d.case_number, 'dispute', d.kind, "
        "d.statement, '{}', d.status, d.created_at, d.answer_due_on "
        "FROM disputes d JOIN loans l ON l.id = d.loan_id"
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "SELECT setval('cases_id_seq', (SELECT COALESCE(MAX(id), 0) + 1 FROM cases), false)"
        )
    op.drop_table("disputes")
    with op.batch_alter_table("borrowers", schema=None) as batch_op:
        batch_op.add_column(sa.Column("hardship_until", sa.Date(), nullable=True))

    with op.batch_alter_table("conversations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("wake_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index(batch_op.f("ix_conversations_wake_at"), ["wake_at"], unique=False)

    with op.batch_alter_table("extensions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("fee", sa.BigInteger(), nullable=False, server_default="0"))

    with op.batch_alter_table("handoffs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("call_back_at", sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table("instalments", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "agreement_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
            )
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_instalments_agreement_id"), "agreements", ["agreement_id"], ["id"]
        )

    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.add_column(sa.Column("facts", sa.JSON(), nullable=True))

    with op.batch_alter_table("phones", schema=None) as batch_op:
        batch_op.add_column(sa.Column("wishes", sa.JSON(), nullable=False, server_default="{}"))

    with op.batch_alter_table("promises", schema=None) as batch_op:
        batch_op.add_column(sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index(
            "ix_promises_waiting",
            ["due_on"],
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )


def downgrade() -> None:
    op.drop_index("ix_promises_waiting", table_name="promises")
    with op.batch_alter_table("promises", schema=None) as batch_op:
        batch_op.drop_column("closed_at")
        batch_op.drop_column("asked_at")
    with op.batch_alter_table("instalments", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_instalments_agreement_id"), type_="foreignkey")
        batch_op.drop_column("agreement_id")
    with op.batch_alter_table("conversations", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_conversations_wake_at"))
    # Dropped in place: SQLite would otherwise rebuild tables that others refer to.
    for table, column in (
        ("phones", "wishes"),
        ("messages", "facts"),
        ("handoffs", "call_back_at"),
        ("extensions", "fee"),
        ("conversations", "wake_at"),
        ("borrowers", "hardship_until"),
    ):
        op.drop_column(table, column)
    op.create_table(
        "disputes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("loan_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("case_number", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer_due_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["loan_id"], ["loans.id"], name=op.f("fk_disputes_loan_id")),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_disputes_message_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disputes")),
        sa.UniqueConstraint("case_number", name=op.f("uq_disputes_case_number")),
    )
    op.create_index(op.f("ix_disputes_loan_id"), "disputes", ["loan_id"])
    op.execute(
        "INSERT INTO disputes SELECT id, loan_id, message_id, case_number, kind, statement, "
        "status, created_at, answer_due_on FROM cases "
        "WHERE topic = 'dispute' AND loan_id IS NOT NULL"
    )
    for table in ("lender_events", "cases", "agreements", "payment_methods", "payment_events"):
        op.drop_table(table)
