"""Prints of pictures: the same photograph is found in whatever shop shows it.

Revision: r0008_prints, after r0007_contact_language
"""

from migrations.frozen import run_frozen

revision = "r0008_prints"
down_revision = "r0007_contact_language"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_frozen(revision, "up.sql")


def downgrade() -> None:
    run_frozen(revision, "down.sql")
