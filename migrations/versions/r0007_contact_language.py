"""In which language a user is written to unasked.

Revision: r0007_contact_language, after r0006_words
"""

from migrations.frozen import run_frozen

revision = "r0007_contact_language"
down_revision = "r0006_words"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_frozen(revision, "up.sql")


def downgrade() -> None:
    run_frozen(revision, "down.sql")
