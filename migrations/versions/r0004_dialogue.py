"""The bot's dialogue: settings, sessions, which message shows which results, shoes to pick from.

Revision: r0004_dialogue, after r0003_stay_in_touch
"""

from migrations.frozen import run_frozen

revision = "r0004_dialogue"
down_revision = "r0003_stay_in_touch"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_frozen(revision, "up.sql")


def downgrade() -> None:
    run_frozen(revision, "down.sql")
