"""The vector by which a picture asks other shops, beside the one that asks its own.

Revision: r0011_elsewhere, after r0010_said
"""

from migrations.frozen import run_frozen

revision = "r0011_elsewhere"
down_revision = "r0010_said"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_frozen(revision, "up.sql")


def downgrade() -> None:
    run_frozen(revision, "down.sql")
