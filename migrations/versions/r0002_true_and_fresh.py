"""Politeness across processes, runs taken up again, the same product across shops, rates.

Revision: r0002_true_and_fresh, after r0001_catalogue
"""

from migrations.frozen import run_frozen

revision = "r0002_true_and_fresh"
down_revision = "r0001_catalogue"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_frozen(revision, "up.sql")


def downgrade() -> None:
    run_frozen(revision, "down.sql")
