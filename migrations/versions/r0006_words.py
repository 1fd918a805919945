"""Colours and types of products, what heads saw on pictures, searches by words stored.

Revision: r0006_words, after r0005_second_addresses
"""

from migrations.frozen import run_frozen

revision = "r0006_words"
down_revision = "r0005_second_addresses"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_frozen(revision, "up.sql")


def downgrade() -> None:
    run_frozen(revision, "down.sql")
