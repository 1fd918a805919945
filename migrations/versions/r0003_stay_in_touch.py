"""The bot's inbox and outbox, saved shoes, alerts, feedback.

Revision: r0003_stay_in_touch, after r0002_true_and_fresh
"""

from migrations.frozen import run_frozen

revision = "r0003_stay_in_touch"
down_revision = "r0002_true_and_fresh"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_frozen(revision, "up.sql")


def downgrade() -> None:
    run_frozen(revision, "down.sql")
