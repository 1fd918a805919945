"""Second addresses of a product: asked with validators, like the first.

Revision: r0005_second_addresses, after r0004_dialogue
"""

from migrations.frozen import run_frozen

revision = "r0005_second_addresses"
down_revision = "r0004_dialogue"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_frozen(revision, "up.sql")


def downgrade() -> None:
    run_frozen(revision, "down.sql")
