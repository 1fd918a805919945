"""Dreamt shoes: sessions, their steps with pictures, what bought pictures cost.

Revision: r0009_dreams, after r0008_prints
"""

from migrations.frozen import run_frozen

revision = "r0009_dreams"
down_revision = "r0008_prints"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_frozen(revision, "up.sql")


def downgrade() -> None:
    run_frozen(revision, "down.sql")
