"""The schema as SQLAlchemy metadata. Alembic revisions are written against it; nothing queries
through it: queries are the files in ``sql/queries``.

Names of constraints are Postgres's own defaults, so that a database built from this metadata and
one built by the migrations can be compared definition by definition.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from pgvector.sqlalchemy import HALFVEC
from sqlalchemy.dialects import postgresql as pg

metadata = sa.MetaData()


def _id(kind: type[sa.types.TypeEngine[Any]] = sa.BigInteger) -> sa.Column[Any]:
    return sa.Column("id", kind, sa.Identity(always=True), primary_key=True)


def _time(name: str, *, now: bool = True, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(
        name,
        sa.DateTime(timezone=True),
        nullable=nullable,
        server_default=sa.text("now()") if now else None,
    )


def _text(name: str, *, nullable: bool = True, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, nullable=nullable, **options)


def _ref(
    name: str,
    target: str,
    kind: Any = sa.BigInteger,
    *,
    nullable: bool = False,
    ondelete: str | None = None,
) -> sa.Column[Any]:
    return sa.Column(name, kind, sa.ForeignKey(target, ondelete=ondelete), nullable=nullable)


def _one_of(column: str, *values: str) -> sa.CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})")


GENDERS = ("men", "women", "unisex", "kids")
AVAILABILITIES = ("in_stock", "out_of_stock", "preorder", "unknown")
CONFIDENCES = ("stated", "visible")

brand = sa.Table(
    "brand",
    metadata,
    _id(sa.Integer),
    _text("name", nullable=False),
    sa.Column("aliases", pg.ARRAY(sa.Text), nullable=False, server_default=sa.text("'{}'::text[]")),
    _time("created_at"),
    sa.Index("brand_name_key", sa.text("lower(name)"), unique=True),
    comment="A maker of shoes; names are unique without regard to case",
)

product = sa.Table(
    "product",
    metadata,
    _id(),
    _ref("brand_id", "brand.id", sa.Integer, nullable=True),
    _text("model"),
    _text("colourway"),
    _text("style_code"),
    _text("gender"),
    _text("category"),
    _text("model_key"),
    _text("origin", nullable=False, unique=True),
    sa.Column("attributes", pg.JSONB, nullable=False, server_default=sa.text("'{}'::jsonb")),
    _time("created_at"),
    _time("updated_at"),
    sa.Column("colours", pg.ARRAY(sa.Text)),
    sa.Column("types", pg.ARRAY(sa.Text)),
    sa.Column("colours_seen", sa.Boolean, nullable=False, server_default=sa.text("false")),
    _one_of("gender", *GENDERS),
    sa.Index(
        "product_brand_style_key",
        "brand_id",
        "style_code",
        unique=True,
        postgresql_where=sa.text("style_code IS NOT NULL"),
    ),
    sa.Index("product_brand_id_idx", "brand_id"),
    sa.Index(
        "product_model_key_idx", "model_key", postgresql_where=sa.text("model_key IS NOT NULL")
    ),
    sa.Index(
        "product_traits_idx",
        "id",
        postgresql_where=sa.text("colours IS NULL OR colours = '{}'::text[]"),
    ),
    comment="One shoe in one colourway, whoever sells it; origin is SHOP:KEY of the offer that "
    "created it; colours (main one first) and types are the vocabulary's, NULL: not derived yet; "
    "colours_seen: nothing was stated, the encoder's heads saw them on its picture",
)

product_alias = sa.Table(
    "product_alias",
    metadata,
    _text("origin", primary_key=True, nullable=False),
    _ref("product_id", "product.id", ondelete="CASCADE"),
    _time("created_at"),
    sa.Index("product_alias_product_id_idx", "product_id"),
    comment="Origins of products that were joined into another: their later offers go there too",
)

shop = sa.Table(
    "shop",
    metadata,
    _id(sa.Integer),
    _text("name", nullable=False),
    _text("adapter", nullable=False),
    _text("home_url"),
    _time("created_at"),
    sa.Index("shop_name_key", sa.text("lower(name)"), unique=True),
    comment="A shop, feed or imported folder that offers come from",
)

_SEARCH_TEXT = (
    "to_tsvector('russian'::regconfig, coalesce(title, ''::text) || ' '::text || "
    "coalesce(description, ''::text)) || "
    "to_tsvector('english'::regconfig, coalesce(title, ''::text) || ' '::text || "
    "coalesce(description, ''::text))"
)

offer = sa.Table(
    "offer",
    metadata,
    _id(),
    _ref("shop_id", "shop.id", sa.Integer),
    _text("external_id", nullable=False),
    _ref("product_id", "product.id"),
    _text("url"),
    _text("page_url"),
    _text("title"),
    _text("description"),
    sa.Column("price", sa.Numeric(12, 2)),
    sa.Column("list_price", sa.Numeric(12, 2)),
    _text("currency"),
    _text("availability", nullable=False, server_default=sa.text("'unknown'::text")),
    _text("sku"),
    _text("style_code"),
    _text("gtin"),
    _text("category"),
    _text("gender"),
    sa.Column("content_hash", pg.BYTEA, nullable=False),
    _time("first_seen_at"),
    _time("last_seen_at"),
    sa.Column("search_text", pg.TSVECTOR, sa.Computed(_SEARCH_TEXT, persisted=True)),
    _text("confidence", nullable=False, server_default=sa.text("'stated'::text")),
    sa.UniqueConstraint("shop_id", "external_id"),
    sa.CheckConstraint("price >= 0"),
    sa.CheckConstraint("list_price >= 0"),
    sa.CheckConstraint("currency ~ '^[A-Z]{3}$'"),
    _one_of("availability", *AVAILABILITIES),
    _one_of("gender", *GENDERS),
    _one_of("confidence", *CONFIDENCES),
    sa.Index("offer_product_id_idx", "product_id"),
    sa.Index("offer_price_idx", "price"),
    sa.Index("offer_page_url_idx", "shop_id", "page_url"),
    sa.Index("offer_search_text_idx", "search_text", postgresql_using="gin"),
    comment="A shop's offer of a product; price is what a buyer pays now, in currency; confidence "
    "tells facts stated in the page's data from those read off what it shows",
)

offer_size = sa.Table(
    "offer_size",
    metadata,
    _ref("offer_id", "offer.id", ondelete="CASCADE"),
    sa.Column("position", sa.SmallInteger, nullable=False),
    _text("label", nullable=False),
    _text("system"),
    sa.Column("available", sa.Boolean),
    sa.PrimaryKeyConstraint("offer_id", "position"),
    _one_of("system", "EU", "US", "UK", "CM", "RU"),
    sa.Index("offer_size_label_idx", "label"),
    comment="Sizes of an offer as the shop labels them; available NULL: not stated",
)

price_point = sa.Table(
    "price_point",
    metadata,
    _id(),
    _ref("offer_id", "offer.id", ondelete="CASCADE"),
    sa.Column("price", sa.Numeric(12, 2)),
    sa.Column("list_price", sa.Numeric(12, 2)),
    _text("currency"),
    _text("availability", nullable=False),
    _time("seen_at"),
    sa.Index("price_point_offer_id_idx", "offer_id", "seen_at"),
    comment="History of an offer: a row only when price, list price, currency or availability "
    "changed",
)

image = sa.Table(
    "image",
    metadata,
    _id(),
    sa.Column("sha256", pg.BYTEA, nullable=False, unique=True),
    sa.Column("phash", pg.BIT(64), nullable=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("size_bytes", sa.Integer, nullable=False),
    _text("format", nullable=False),
    _text("path", nullable=False),
    _time("created_at"),
    sa.CheckConstraint("octet_length(sha256) = 32"),
    comment="A picture by its content; path is relative to the image store",
)

image_source = sa.Table(
    "image_source",
    metadata,
    _text("source", primary_key=True, nullable=False),
    _ref("image_id", "image.id", nullable=True, ondelete="CASCADE"),
    _text("etag"),
    _text("last_modified"),
    sa.Column("size_bytes", sa.BigInteger),
    sa.Column("mtime_ns", sa.BigInteger),
    _text("error"),
    _time("checked_at"),
    sa.Column("tries", sa.SmallInteger, nullable=False, server_default=sa.text("0")),
    _time("retry_at", now=False, nullable=True),
    sa.Index("image_source_image_id_idx", "image_id"),
    comment="Where a picture came from (URL or file), so that it is not fetched or decoded twice",
)

offer_image = sa.Table(
    "offer_image",
    metadata,
    _ref("offer_id", "offer.id", ondelete="CASCADE"),
    _ref("image_id", "image.id"),
    sa.Column("position", sa.SmallInteger, nullable=False),
    _text("view"),
    _text("setting"),
    sa.PrimaryKeyConstraint("offer_id", "image_id"),
    sa.Index("offer_image_image_id_idx", "image_id"),
    comment="Pictures of an offer, best first",
)

image_print = sa.Table(
    "image_print",
    metadata,
    sa.Column(
        "image_id",
        sa.BigInteger,
        sa.ForeignKey("image.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    sa.Column("version", sa.SmallInteger, nullable=False),
    sa.Column("print", pg.BYTEA, nullable=False),
    sa.Column("compared", sa.Boolean, nullable=False, server_default=sa.text("false")),
    comment="What stays of a picture when a shop republishes it; compared: the matcher has held it "
    "against all others",
)

fetched_page = sa.Table(
    "fetched_page",
    metadata,
    _ref("shop_id", "shop.id", sa.Integer, ondelete="CASCADE"),
    _text("url", nullable=False),
    _text("etag"),
    _text("last_modified"),
    _time("fetched_at"),
    _text("same_as"),
    sa.PrimaryKeyConstraint("shop_id", "url"),
    comment="Validators of pages already read, for conditional requests; same_as is the page that "
    "the offers shown are read from, where that is another",
)

host_turn = sa.Table(
    "host_turn",
    metadata,
    _text("host", primary_key=True, nullable=False),
    _time("next_at", now=False),
    comment="When each host may be asked next, whichever process asks",
)

shop_circuit = sa.Table(
    "shop_circuit",
    metadata,
    sa.Column(
        "shop_id",
        sa.Integer,
        sa.ForeignKey("shop.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    _text("state", nullable=False),
    sa.Column("failures", sa.Integer, nullable=False, server_default=sa.text("0")),
    _time("retry_at", now=False, nullable=True),
    _text("reason"),
    _time("changed_at"),
    _one_of("state", "closed", "open", "half_open"),
    comment="Shops in trouble are left alone until retry_at, then one run tries them",
)

encoder = sa.Table(
    "encoder",
    metadata,
    _id(sa.SmallInteger),
    _text("name", nullable=False),
    _text("revision", nullable=False),
    sa.Column("dim", sa.SmallInteger, nullable=False),
    sa.Column("sha256", pg.BYTEA, nullable=False),
    _text("status", nullable=False, server_default=sa.text("'registered'::text")),
    sa.Column("same_threshold", sa.REAL),
    sa.Column("similar_threshold", sa.REAL),
    _time("created_at"),
    _time("activated_at", now=False, nullable=True),
    sa.UniqueConstraint("name", "revision", "sha256"),
    sa.CheckConstraint("dim > 0 AND dim <= 4000"),
    _one_of("status", "registered", "building", "active", "retired"),
    sa.Index(
        "encoder_one_active",
        sa.text("(status = 'active')"),
        unique=True,
        postgresql_where=sa.text("status = 'active'"),
    ),
    comment="An embedding model; at most one is active; thresholds are cosine similarities",
)

embedding = sa.Table(
    "embedding",
    metadata,
    _ref("encoder_id", "encoder.id", sa.SmallInteger),
    _ref("image_id", "image.id", ondelete="CASCADE"),
    sa.Column("vec", HALFVEC(), nullable=False),
    sa.PrimaryKeyConstraint("encoder_id", "image_id"),
    postgresql_partition_by="LIST (encoder_id)",
    comment="Image embeddings; one partition an encoder, with its own dimension and HNSW index",
)

image_sight = sa.Table(
    "image_sight",
    metadata,
    sa.Column(
        "image_id",
        sa.BigInteger,
        sa.ForeignKey("image.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    _ref("encoder_id", "encoder.id", sa.SmallInteger, ondelete="CASCADE"),
    sa.Column("colours", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("types", pg.ARRAY(sa.Text), nullable=False),
    sa.Index("image_sight_encoder_id_idx", "encoder_id"),
    comment="What the heads of the encoder that embedded a picture last saw on it",
)

embedding_failure = sa.Table(
    "embedding_failure",
    metadata,
    _ref("encoder_id", "encoder.id", sa.SmallInteger, ondelete="CASCADE"),
    _ref("image_id", "image.id", ondelete="CASCADE"),
    _text("error", nullable=False),
    sa.Column("tries", sa.SmallInteger, nullable=False, server_default=sa.text("1")),
    _time("failed_at"),
    sa.PrimaryKeyConstraint("encoder_id", "image_id"),
    comment="Images that could not be embedded, with the reason",
)

search_event = sa.Table(
    "search_event",
    metadata,
    _id(),
    _text("user_key"),
    _text("kind", nullable=False),
    _ref("encoder_id", "encoder.id", sa.SmallInteger),
    sa.Column("query", HALFVEC()),
    _ref("not_image_id", "image.id", nullable=True, ondelete="SET NULL"),
    sa.Column("filters", pg.JSONB, nullable=False, server_default=sa.text("'{}'::jsonb")),
    sa.Column("page_size", sa.SmallInteger, nullable=False),
    _text("method", nullable=False),
    _text("verdict", nullable=False),
    sa.Column("hits", sa.SmallInteger, nullable=False),
    sa.Column("took_ms", sa.REAL, nullable=False),
    _time("created_at"),
    _text("words"),
    sa.Column("shape_weight", sa.REAL, nullable=False, server_default=sa.text("1")),
    sa.Column("colour_weight", sa.REAL, nullable=False, server_default=sa.text("1")),
    sa.Column("moved", sa.Boolean, nullable=False, server_default=sa.text("false")),
    sa.Column("elsewhere", HALFVEC()),
    _one_of("kind", "photo", "image", "text"),
    sa.CheckConstraint("query IS NOT NULL OR words IS NOT NULL"),
    sa.Index("search_event_created_at_idx", "created_at"),
    comment="A search as asked: its vector, before the weights, words for full text and filters "
    "answer for the next page after a restart; moved: words altered the vector; elsewhere: the "
    "vector that asks other shops, where a picture asks twice",
)

bot_user = sa.Table(
    "bot_user",
    metadata,
    sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
    _text("language"),
    _time("created_at"),
    _time("last_seen_at"),
    _text("currency"),
    _text("size"),
    _text("size_system"),
    sa.Column("shops", pg.ARRAY(sa.Text), nullable=False, server_default=sa.text("'{}'::text[]")),
    _one_of("language", "ru", "en"),
    sa.CheckConstraint("currency ~ '^[A-Z]{3}$'"),
    _one_of("size_system", "EU", "US", "UK", "CM", "RU"),
    comment="A Telegram user's choices",
)

bot_session = sa.Table(
    "bot_session",
    metadata,
    sa.Column("chat_id", sa.BigInteger, nullable=False),
    _ref("user_id", "bot_user.user_id", ondelete="CASCADE"),
    sa.Column("filters", pg.JSONB),
    _ref("search_id", "search_event.id", nullable=True, ondelete="SET NULL"),
    _time("used_at"),
    sa.PrimaryKeyConstraint("chat_id", "user_id"),
    sa.Index("bot_session_user_id_idx", "user_id"),
    sa.Index("bot_session_search_id_idx", "search_id"),
    comment="What a user narrowed their questions to by buttons (NULL: nothing yet), and the "
    "search they look at",
)

bot_shown = sa.Table(
    "bot_shown",
    metadata,
    sa.Column("chat_id", sa.BigInteger, nullable=False),
    sa.Column("message_id", sa.BigInteger, nullable=False),
    _ref("search_id", "search_event.id", ondelete="CASCADE"),
    sa.Column("page", sa.SmallInteger, nullable=False),
    _ref("image_id", "image.id", nullable=True, ondelete="CASCADE"),
    sa.PrimaryKeyConstraint("chat_id", "message_id"),
    sa.Index("bot_shown_search_id_idx", "search_id"),
    sa.Index("bot_shown_image_id_idx", "image_id"),
    comment="Messages that show results, so that an answer to one is known to be about them; "
    "image_id: the message is about this one result",
)

bot_pick = sa.Table(
    "bot_pick",
    metadata,
    _id(),
    _ref("user_id", "bot_user.user_id", ondelete="CASCADE"),
    _text("file_id", nullable=False),
    sa.Column("boxes", pg.JSONB, nullable=False),
    _text("words"),
    _time("created_at"),
    sa.Index("bot_pick_user_id_idx", "user_id"),
    sa.Index("bot_pick_created_at_idx", "created_at"),
    comment="A picture with several shoes: where they are, until the user has picked one; words: "
    "its caption",
)

etl_run = sa.Table(
    "etl_run",
    metadata,
    _id(),
    _text("kind", nullable=False),
    _text("source", nullable=False),
    _ref("shop_id", "shop.id", sa.Integer, nullable=True),
    _text("state", nullable=False, server_default=sa.text("'running'::text")),
    sa.Column("complete", sa.Boolean, nullable=False, server_default=sa.text("false")),
    *(
        sa.Column(name, sa.Integer, nullable=False, server_default=sa.text("0"))
        for name in (
            "rows_seen",
            "offers_new",
            "offers_changed",
            "offers_unchanged",
            "offers_gone",
            "images_new",
            "failed",
        )
    ),
    _text("message"),
    _time("started_at"),
    _time("finished_at", now=False, nullable=True),
    _time("pass_started_at"),
    _one_of("kind", "import", "shop", "match", "rates"),
    _one_of("state", "running", "done", "failed", "interrupted"),
    sa.Index("etl_run_started_at_idx", "started_at"),
    comment="One run, with its counts; pass_started_at is older than started_at where the run took "
    "up what an interrupted one had begun",
)

etl_error = sa.Table(
    "etl_error",
    metadata,
    _id(),
    _ref("run_id", "etl_run.id", ondelete="CASCADE"),
    _text("item", nullable=False),
    _text("code", nullable=False),
    _text("message", nullable=False),
    _time("created_at"),
    sa.Index("etl_error_run_id_idx", "run_id"),
    comment="What went wrong with one row, page or picture of a run",
)

match_decision = sa.Table(
    "match_decision",
    metadata,
    _id(),
    _ref("offer_a", "offer.id", ondelete="CASCADE"),
    _ref("offer_b", "offer.id", ondelete="CASCADE"),
    _text("verdict", nullable=False),
    _text("note"),
    _time("decided_at"),
    sa.UniqueConstraint("offer_a", "offer_b"),
    sa.CheckConstraint("offer_a < offer_b"),
    _one_of("verdict", "same", "different"),
    sa.Index("match_decision_offer_b_idx", "offer_b"),
    comment="What a person decided of two offers; no rule overrules it",
)

offer_match = sa.Table(
    "offer_match",
    metadata,
    sa.Column(
        "offer_id",
        sa.BigInteger,
        sa.ForeignKey("offer.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    _ref("with_offer_id", "offer.id", nullable=True, ondelete="SET NULL"),
    _text("method", nullable=False),
    sa.Column("score", sa.REAL),
    sa.Column("detail", pg.JSONB, nullable=False, server_default=sa.text("'{}'::jsonb")),
    _time("matched_at"),
    _one_of("method", "gtin", "style_code", "words", "pictures", "person"),
    sa.Index("offer_match_with_offer_id_idx", "with_offer_id"),
    comment="Why an offer stands under a product that another offer made: the evidence",
)

fx_rate = sa.Table(
    "fx_rate",
    metadata,
    _text("source", nullable=False),
    sa.Column("day", sa.Date, nullable=False),
    _text("currency", nullable=False),
    _text("base", nullable=False),
    sa.Column("rate", sa.Numeric, nullable=False),
    sa.PrimaryKeyConstraint("source", "day", "currency"),
    sa.CheckConstraint("rate > 0"),
    sa.CheckConstraint("currency ~ '^[A-Z]{3}$'"),
    comment="Official rates of a day: what one unit of currency costs in base; the base itself "
    "is 1",
)


def _user(**options: Any) -> sa.Column[Any]:
    # Every row of a user's hangs on bot_user, so that /forget is one DELETE.
    return sa.Column(
        "user_id",
        sa.BigInteger,
        sa.ForeignKey("bot_user.user_id", ondelete="CASCADE"),
        nullable=False,
        **options,
    )


bot_contact = sa.Table(
    "bot_contact",
    metadata,
    _user(primary_key=True, autoincrement=False),
    _text("timezone"),
    sa.Column("quiet_from", sa.Time, nullable=False, server_default=sa.text("'22:00:00'::time")),
    sa.Column("quiet_to", sa.Time, nullable=False, server_default=sa.text("'09:00:00'::time")),
    sa.Column("quiet", sa.Boolean, nullable=False, server_default=sa.text("true")),
    _time("blocked_at", now=False, nullable=True),
    sa.Column("last_message_id", sa.BigInteger),
    _text("language"),
    _one_of("language", "ru", "en"),
    comment="When a user may be written to unasked: quiet hours in their time zone, not at all "
    "after a block; last_message_id is the newest message of their private chat, NULL: not known; "
    "language is the one they were last answered in",
)

bot_update = sa.Table(
    "bot_update",
    metadata,
    sa.Column("update_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("user_id", sa.BigInteger),
    sa.Column("payload", pg.JSONB),
    sa.Column("attempts", sa.SmallInteger, nullable=False, server_default=sa.text("0")),
    _text("outcome"),
    _time("received_at"),
    _time("finished_at", now=False, nullable=True),
    sa.Column("said", pg.JSONB),
    sa.Index(
        "bot_update_unfinished_idx", "update_id", postgresql_where=sa.text("finished_at IS NULL")
    ),
    sa.Index("bot_update_finished_at_idx", "finished_at"),
    _one_of("outcome", "done", "failed", "flood", "given_up"),
    comment="Inbox: updates are here before Telegram hears that they came; said: the messages "
    "sent for one that is being handled, so that after a crash they are not sent again; a finished "
    "one keeps its id, to be known again, and loses its content",
)

bot_saved = sa.Table(
    "bot_saved",
    metadata,
    _id(),
    _user(),
    _text("kind", nullable=False),
    _ref("offer_id", "offer.id", nullable=True, ondelete="CASCADE"),
    _ref("image_id", "image.id", nullable=True, ondelete="SET NULL"),
    _ref("encoder_id", "encoder.id", sa.SmallInteger, nullable=True, ondelete="CASCADE"),
    sa.Column("query", HALFVEC()),
    sa.Column("search_id", sa.BigInteger),
    _time("created_at"),
    sa.Column("elsewhere", HALFVEC()),
    _one_of("kind", "shoe", "picture"),
    sa.CheckConstraint("(kind = 'shoe') = (offer_id IS NOT NULL)"),
    sa.CheckConstraint("(kind = 'picture') = (query IS NOT NULL AND encoder_id IS NOT NULL)"),
    sa.UniqueConstraint("user_id", "offer_id"),
    sa.UniqueConstraint("user_id", "search_id"),
    comment="What a user saved: a shoe, by an offer of it (products are joined and split, offers "
    "stay), or a picture, by its vector (elsewhere: the one that asks other shops)",
)

bot_alert = sa.Table(
    "bot_alert",
    metadata,
    _id(),
    _user(),
    _ref("saved_id", "bot_saved.id", ondelete="CASCADE"),
    _text("kind", nullable=False),
    sa.Column("active", sa.Boolean, nullable=False, server_default=sa.text("true")),
    _text("size"),
    _text("size_system"),
    sa.Column("told_price", sa.Numeric(12, 2)),
    _text("currency"),
    sa.Column("present", sa.Boolean),
    _time("created_at"),
    sa.UniqueConstraint("saved_id", "kind"),
    _one_of("kind", "drop", "back", "new"),
    sa.Index("bot_alert_user_id_idx", "user_id"),
    comment="What a user wants to hear of a saved thing; told_price is the lowest price told, "
    "present whether the shoe was there in the size when last looked at",
)

bot_alert_shown = sa.Table(
    "bot_alert_shown",
    metadata,
    _ref("alert_id", "bot_alert.id", ondelete="CASCADE"),
    _ref("product_id", "product.id", ondelete="CASCADE"),
    sa.PrimaryKeyConstraint("alert_id", "product_id"),
    sa.Index("bot_alert_shown_product_id_idx", "product_id"),
    comment="New shoes that an alert has told of",
)

bot_outbox = sa.Table(
    "bot_outbox",
    metadata,
    _id(),
    _user(),
    _ref("alert_id", "bot_alert.id", ondelete="CASCADE"),
    _text("key", nullable=False, unique=True),
    sa.Column("payload", pg.JSONB, nullable=False),
    _text("state", nullable=False, server_default=sa.text("'pending'::text")),
    sa.Column("attempts", sa.SmallInteger, nullable=False, server_default=sa.text("0")),
    _time("not_before"),
    _time("claimed_at", now=False, nullable=True),
    sa.Column("mark", sa.BigInteger),
    sa.Column("markup", pg.JSONB),
    sa.Column("message_id", sa.BigInteger),
    _text("error"),
    _time("created_at"),
    _time("settled_at", now=False, nullable=True),
    _one_of("state", "pending", "sending", "sent", "dropped", "unknown"),
    sa.Index(
        "bot_outbox_open_idx",
        "not_before",
        postgresql_where=sa.text("state IN ('pending', 'sending')"),
    ),
    sa.Index("bot_outbox_user_id_idx", "user_id"),
    sa.Index("bot_outbox_alert_id_idx", "alert_id"),
    comment="Messages to send unasked, once each; mark is the newest message id known before the "
    "attempt, by which a row left in sending is settled",
)

bot_feedback = sa.Table(
    "bot_feedback",
    metadata,
    _id(),
    _user(),
    sa.Column("search_id", sa.BigInteger, nullable=False),
    _text("search_kind", nullable=False),
    _ref("encoder_id", "encoder.id", sa.SmallInteger),
    sa.Column("query", HALFVEC(), nullable=False),
    sa.Column("filters", pg.JSONB, nullable=False, server_default=sa.text("'{}'::jsonb")),
    _ref("image_id", "image.id", ondelete="CASCADE"),
    sa.Column("rank", sa.SmallInteger, nullable=False),
    _text("verdict", nullable=False),
    _time("created_at"),
    sa.UniqueConstraint("user_id", "search_id", "image_id"),
    sa.CheckConstraint("rank > 0"),
    _one_of("verdict", "right", "wrong"),
    sa.Index("bot_feedback_image_id_idx", "image_id"),
    comment="What users said of results: the query's vector, the encoder, the result's picture "
    "and its rank from 1",
)

bot_error = sa.Table(
    "bot_error",
    metadata,
    _id(),
    _text("code", nullable=False),
    _text("kind", nullable=False),
    _text("place", nullable=False),
    _text("message", nullable=False),
    _time("created_at"),
    sa.Index("bot_error_created_at_idx", "created_at"),
    comment="Failures of the bot for /admin: no user, no token, no text of a message",
)

dream_session = sa.Table(
    "dream_session",
    metadata,
    _id(),
    sa.Column("user_id", sa.BigInteger, sa.ForeignKey("bot_user.user_id", ondelete="CASCADE")),
    _text("user_key", nullable=False),
    _text("state", nullable=False, server_default=sa.text("'open'::text")),
    sa.Column("position", sa.SmallInteger, nullable=False, server_default=sa.text("0")),
    sa.Column("search_id", sa.BigInteger),
    _time("created_at"),
    _time("updated_at"),
    _one_of("state", "open", "closed"),
    sa.Index(
        "dream_session_open_key",
        "user_key",
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    ),
    sa.Index("dream_session_user_id_idx", "user_id"),
    comment="A dreamt shoe in the making, one open a user; position is the step being looked at, "
    "search_id the last search from it",
)

dream_step = sa.Table(
    "dream_step",
    metadata,
    _ref("session_id", "dream_session.id", ondelete="CASCADE"),
    sa.Column("number", sa.SmallInteger, nullable=False),
    sa.Column("parent", sa.SmallInteger),
    _text("asked"),
    sa.Column("design", pg.JSONB, nullable=False),
    sa.Column("extra", pg.ARRAY(sa.Text), nullable=False, server_default=sa.text("'{}'::text[]")),
    _text("prompt", nullable=False),
    sa.Column("seed", sa.BigInteger, nullable=False),
    _text("generator", nullable=False),
    sa.Column("picture", pg.BYTEA, nullable=False),
    _time("created_at"),
    sa.PrimaryKeyConstraint("session_id", "number"),
    sa.CheckConstraint("number > 0"),
    comment="One picture of a dreamt shoe: what was asked, the design, words beyond it, the "
    "generator's prompt and seed, the PNG; parent is the step it was changed from",
)

dream_spend = sa.Table(
    "dream_spend",
    metadata,
    _text("user_key", nullable=False),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("pictures", sa.Integer, nullable=False),
    sa.Column("cost", sa.Numeric(12, 4), nullable=False),
    sa.PrimaryKeyConstraint("user_key", "day"),
    sa.CheckConstraint("pictures >= 0"),
    sa.CheckConstraint("cost >= 0"),
    comment="What bought pictures cost a user a day (UTC), in dollars; rows of past days go",
)
