"""What the bot has said so far to an update that is being handled.

Revision: r0010_said, after r0009_dreams
"""

from migrations.frozen import run_frozen

revision = "r0010_said"
down_revision = "r0009_dreams"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_frozen(revision, "up.sql")


def downgrade() -> None:
    run_frozen(revision, "down.sql")
