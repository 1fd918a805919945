"""Catalogue, offers with price history, pictures, encoders and embeddings, runs, searches.

Revision: r0001_catalogue, the first
"""

from migrations.frozen import run_frozen

revision = "r0001_catalogue"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_frozen(revision, "up.sql")


def downgrade() -> None:
    run_frozen(revision, "down.sql")
