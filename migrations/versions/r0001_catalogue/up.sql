-- Frozen on 2026-11-23. Never edited after a release: later changes are later revisions.
CREATE EXTENSION IF NOT EXISTS vector;

CREATE TABLE bot_user (
	user_id BIGINT NOT NULL, 
	language TEXT, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	last_seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	PRIMARY KEY (user_id), 
	CHECK (language IN ('ru', 'en'))
);

COMMENT ON TABLE bot_user IS 'A Telegram user''s choices';

CREATE TABLE brand (
	id INTEGER GENERATED ALWAYS AS IDENTITY, 
	name TEXT NOT NULL, 
	aliases TEXT[] DEFAULT '{}'::text[] NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	PRIMARY KEY (id)
);

CREATE UNIQUE INDEX brand_name_key ON brand (lower(name));

COMMENT ON TABLE brand IS 'A maker of shoes; names are unique without regard to case';

CREATE TABLE encoder (
	id SMALLINT GENERATED ALWAYS AS IDENTITY, 
	name TEXT NOT NULL, 
	revision TEXT NOT NULL, 
	dim SMALLINT NOT NULL, 
	sha256 BYTEA NOT NULL, 
	status TEXT DEFAULT 'registered'::text NOT NULL, 
	same_threshold REAL, 
	similar_threshold REAL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	activated_at TIMESTAMP WITH TIME ZONE, 
	PRIMARY KEY (id), 
	UNIQUE (name, revision, sha256), 
	CHECK (dim > 0 AND dim <= 4000), 
	CHECK (status IN ('registered', 'building', 'active', 'retired'))
);

CREATE UNIQUE INDEX encoder_one_active ON encoder ((status = 'active')) WHERE status = 'active';

COMMENT ON TABLE encoder IS 'An embedding model; at most one is active; thresholds are cosine similarities';

CREATE TABLE image (
	id BIGINT GENERATED ALWAYS AS IDENTITY, 
	sha256 BYTEA NOT NULL, 
	phash BIT(64) NOT NULL, 
	width INTEGER NOT NULL, 
	height INTEGER NOT NULL, 
	size_bytes INTEGER NOT NULL, 
	format TEXT NOT NULL, 
	path TEXT NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	PRIMARY KEY (id), 
	CHECK (octet_length(sha256) = 32), 
	UNIQUE (sha256)
);

COMMENT ON TABLE image IS 'A picture by its content; path is relative to the image store';

CREATE TABLE shop (
	id INTEGER GENERATED ALWAYS AS IDENTITY, 
	name TEXT NOT NULL, 
	adapter TEXT NOT NULL, 
	home_url TEXT, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	PRIMARY KEY (id)
);

CREATE UNIQUE INDEX shop_name_key ON shop (lower(name));

COMMENT ON TABLE shop IS 'A shop, feed or imported folder that offers come from';

CREATE TABLE embedding (
	encoder_id SMALLINT NOT NULL, 
	image_id BIGINT NOT NULL, 
	vec HALFVEC NOT NULL, 
	PRIMARY KEY (encoder_id, image_id), 
	FOREIGN KEY(encoder_id) REFERENCES encoder (id), 
	FOREIGN KEY(image_id) REFERENCES image (id) ON DELETE CASCADE
)
 PARTITION BY LIST (encoder_id);

COMMENT ON TABLE embedding IS 'Image embeddings; one partition an encoder, with its own dimension and HNSW index';

CREATE TABLE embedding_failure (
	encoder_id SMALLINT NOT NULL, 
	image_id BIGINT NOT NULL, 
	error TEXT NOT NULL, 
	tries SMALLINT DEFAULT 1 NOT NULL, 
	failed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	PRIMARY KEY (encoder_id, image_id), 
	FOREIGN KEY(encoder_id) REFERENCES encoder (id) ON DELETE CASCADE, 
	FOREIGN KEY(image_id) REFERENCES image (id) ON DELETE CASCADE
);

COMMENT ON TABLE embedding_failure IS 'Images that could not be embedded, with the reason';

CREATE TABLE etl_run (
	id BIGINT GENERATED ALWAYS AS IDENTITY, 
	kind TEXT NOT NULL, 
	source TEXT NOT NULL, 
	shop_id INTEGER, 
	state TEXT DEFAULT 'running'::text NOT NULL, 
	complete BOOLEAN DEFAULT false NOT NULL, 
	rows_seen INTEGER DEFAULT 0 NOT NULL, 
	offers_new INTEGER DEFAULT 0 NOT NULL, 
	offers_changed INTEGER DEFAULT 0 NOT NULL, 
	offers_unchanged INTEGER DEFAULT 0 NOT NULL, 
	offers_gone INTEGER DEFAULT 0 NOT NULL, 
	images_new INTEGER DEFAULT 0 NOT NULL, 
	failed INTEGER DEFAULT 0 NOT NULL, 
	message TEXT, 
	started_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	finished_at TIMESTAMP WITH TIME ZONE, 
	PRIMARY KEY (id), 
	CHECK (kind IN ('import', 'shop')), 
	CHECK (state IN ('running', 'done', 'failed', 'interrupted')), 
	FOREIGN KEY(shop_id) REFERENCES shop (id)
);

CREATE INDEX etl_run_started_at_idx ON etl_run (started_at);

COMMENT ON TABLE etl_run IS 'One run of an import or a shop''s refresh, with its counts';

CREATE TABLE fetched_page (
	shop_id INTEGER NOT NULL, 
	url TEXT NOT NULL, 
	etag TEXT, 
	last_modified TEXT, 
	fetched_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	PRIMARY KEY (shop_id, url), 
	FOREIGN KEY(shop_id) REFERENCES shop (id) ON DELETE CASCADE
);

COMMENT ON TABLE fetched_page IS 'Validators of pages already read, for conditional requests';

CREATE TABLE image_source (
	source TEXT NOT NULL, 
	image_id BIGINT, 
	etag TEXT, 
	last_modified TEXT, 
	size_bytes BIGINT, 
	mtime_ns BIGINT, 
	error TEXT, 
	checked_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	PRIMARY KEY (source), 
	FOREIGN KEY(image_id) REFERENCES image (id) ON DELETE CASCADE
);

CREATE INDEX image_source_image_id_idx ON image_source (image_id);

COMMENT ON TABLE image_source IS 'Where a picture came from (URL or file), so that it is not fetched or decoded twice';

CREATE TABLE product (
	id BIGINT GENERATED ALWAYS AS IDENTITY, 
	brand_id INTEGER, 
	model TEXT, 
	colourway TEXT, 
	style_code TEXT, 
	gender TEXT, 
	category TEXT, 
	model_key TEXT, 
	origin TEXT NOT NULL, 
	attributes JSONB DEFAULT '{}'::jsonb NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	PRIMARY KEY (id), 
	CHECK (gender IN ('men', 'women', 'unisex', 'kids')), 
	FOREIGN KEY(brand_id) REFERENCES brand (id), 
	UNIQUE (origin)
);

CREATE INDEX product_brand_id_idx ON product (brand_id);

CREATE UNIQUE INDEX product_brand_style_key ON product (brand_id, style_code) WHERE style_code IS NOT NULL;

CREATE INDEX product_model_key_idx ON product (model_key) WHERE model_key IS NOT NULL;

COMMENT ON TABLE product IS 'One shoe in one colourway, whoever sells it; origin is SHOP:KEY of the offer that created it';

CREATE TABLE search_event (
	id BIGINT GENERATED ALWAYS AS IDENTITY, 
	user_key TEXT, 
	kind TEXT NOT NULL, 
	encoder_id SMALLINT NOT NULL, 
	query HALFVEC NOT NULL, 
	not_image_id BIGINT, 
	filters JSONB DEFAULT '{}'::jsonb NOT NULL, 
	page_size SMALLINT NOT NULL, 
	method TEXT NOT NULL, 
	verdict TEXT NOT NULL, 
	hits SMALLINT NOT NULL, 
	took_ms REAL NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	PRIMARY KEY (id), 
	CHECK (kind IN ('photo', 'image')), 
	FOREIGN KEY(encoder_id) REFERENCES encoder (id), 
	FOREIGN KEY(not_image_id) REFERENCES image (id) ON DELETE SET NULL
);

CREATE INDEX search_event_created_at_idx ON search_event (created_at);

COMMENT ON TABLE search_event IS 'A search as asked: its vector and filters answer for the next page after a restart';

CREATE TABLE etl_error (
	id BIGINT GENERATED ALWAYS AS IDENTITY, 
	run_id BIGINT NOT NULL, 
	item TEXT NOT NULL, 
	code TEXT NOT NULL, 
	message TEXT NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(run_id) REFERENCES etl_run (id) ON DELETE CASCADE
);

CREATE INDEX etl_error_run_id_idx ON etl_error (run_id);

COMMENT ON TABLE etl_error IS 'What went wrong with one row, page or picture of a run';

CREATE TABLE offer (
	id BIGINT GENERATED ALWAYS AS IDENTITY, 
	shop_id INTEGER NOT NULL, 
	external_id TEXT NOT NULL, 
	product_id BIGINT NOT NULL, 
	url TEXT, 
	page_url TEXT, 
	title TEXT, 
	description TEXT, 
	price NUMERIC(12, 2), 
	list_price NUMERIC(12, 2), 
	currency TEXT, 
	availability TEXT DEFAULT 'unknown'::text NOT NULL, 
	sku TEXT, 
	style_code TEXT, 
	gtin TEXT, 
	category TEXT, 
	gender TEXT, 
	content_hash BYTEA NOT NULL, 
	first_seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	last_seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	search_text TSVECTOR GENERATED ALWAYS AS (to_tsvector('russian'::regconfig, coalesce(title, ''::text) || ' '::text || coalesce(description, ''::text)) || to_tsvector('english'::regconfig, coalesce(title, ''::text) || ' '::text || coalesce(description, ''::text))) STORED, 
	PRIMARY KEY (id), 
	UNIQUE (shop_id, external_id), 
	CHECK (price >= 0), 
	CHECK (list_price >= 0), 
	CHECK (currency ~ '^[A-Z]{3}$'), 
	CHECK (availability IN ('in_stock', 'out_of_stock', 'preorder', 'unknown')), 
	CHECK (gender IN ('men', 'women', 'unisex', 'kids')), 
	FOREIGN KEY(shop_id) REFERENCES shop (id), 
	FOREIGN KEY(product_id) REFERENCES product (id)
);

CREATE INDEX offer_page_url_idx ON offer (shop_id, page_url);

CREATE INDEX offer_price_idx ON offer (price);

CREATE INDEX offer_product_id_idx ON offer (product_id);

CREATE INDEX offer_search_text_idx ON offer USING gin (search_text);

COMMENT ON TABLE offer IS 'A shop''s offer of a product; price is what a buyer pays now, in currency';

CREATE TABLE offer_image (
	offer_id BIGINT NOT NULL, 
	image_id BIGINT NOT NULL, 
	position SMALLINT NOT NULL, 
	view TEXT, 
	setting TEXT, 
	PRIMARY KEY (offer_id, image_id), 
	FOREIGN KEY(offer_id) REFERENCES offer (id) ON DELETE CASCADE, 
	FOREIGN KEY(image_id) REFERENCES image (id)
);

CREATE INDEX offer_image_image_id_idx ON offer_image (image_id);

COMMENT ON TABLE offer_image IS 'Pictures of an offer, best first';

CREATE TABLE offer_size (
	offer_id BIGINT NOT NULL, 
	position SMALLINT NOT NULL, 
	label TEXT NOT NULL, 
	system TEXT, 
	available BOOLEAN, 
	PRIMARY KEY (offer_id, position), 
	CHECK (system IN ('EU', 'US', 'UK', 'CM', 'RU')), 
	FOREIGN KEY(offer_id) REFERENCES offer (id) ON DELETE CASCADE
);

CREATE INDEX offer_size_label_idx ON offer_size (label);

COMMENT ON TABLE offer_size IS 'Sizes of an offer as the shop labels them; available NULL: not stated';

CREATE TABLE price_point (
	id BIGINT GENERATED ALWAYS AS IDENTITY, 
	offer_id BIGINT NOT NULL, 
	price NUMERIC(12, 2), 
	list_price NUMERIC(12, 2), 
	currency TEXT, 
	availability TEXT NOT NULL, 
	seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(offer_id) REFERENCES offer (id) ON DELETE CASCADE
);

CREATE INDEX price_point_offer_id_idx ON price_point (offer_id, seen_at);

COMMENT ON TABLE price_point IS 'History of an offer: a row only when price, list price, currency or availability changed';

-- Builds the HNSW index of one encoder's partition where it is missing; returns its name.
-- The indexed expression and operator are the ones the searches repeat: halfvec(D), cosine distance.
-- m 16 and ef_construction 128: twice pgvector's default of 64 when building, for recall (Malkov and
-- Yashunin 2018, section 4.1); the build stays within a minute at 200,000 vectors.
CREATE OR REPLACE FUNCTION create_embedding_index(for_encoder smallint)
RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
    partition_name text := format('embedding_e%s', for_encoder);
    index_name text := format('embedding_e%s_hnsw', for_encoder);
    dimension smallint;
BEGIN
    SELECT e.dim INTO STRICT dimension FROM encoder AS e WHERE e.id = for_encoder;
    EXECUTE format(
        'CREATE INDEX IF NOT EXISTS %I ON %I USING hnsw ((vec::halfvec(%s)) halfvec_cosine_ops) '
        'WITH (m = 16, ef_construction = 128)',
        index_name, partition_name, dimension);
    RETURN index_name;
END
$$;

-- Makes the partition of `embedding` that holds one encoder's vectors, with that encoder's own
-- dimension as a check. The HNSW index follows once vectors are in (create_embedding_index):
-- building it over rows is several times cheaper than keeping it while they arrive.
CREATE OR REPLACE FUNCTION create_embedding_partition(for_encoder smallint)
RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
    partition_name text := format('embedding_e%s', for_encoder);
    dimension smallint;
BEGIN
    -- Known already: no statement below, since each would lock the table against all workers.
    IF to_regclass(partition_name) IS NOT NULL THEN
        RETURN partition_name;
    END IF;
    SELECT e.dim INTO STRICT dimension FROM encoder AS e WHERE e.id = for_encoder;
    EXECUTE format(
        'CREATE TABLE %I PARTITION OF embedding '
        '(CONSTRAINT %I CHECK (vector_dims(vec) = %s)) FOR VALUES IN (%s)',
        partition_name, partition_name || '_dim', dimension, for_encoder);
    -- Vectors do not compress: keep them in the row, where a scan reads them without a detour.
    EXECUTE format('ALTER TABLE %I ALTER COLUMN vec SET STORAGE PLAIN', partition_name);
    RETURN partition_name;
END
$$;

-- Wakes embed workers that wait for new pictures (solemate etl embed --watch).
CREATE OR REPLACE FUNCTION notify_new_image() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM pg_notify('solemate_new_image', '');
    RETURN NULL;
END
$$;

-- Products that pass a search's filters; a NULL argument does not limit.
-- A product passes when its brand and gender do and at least one of its offers passes all the rest.
-- Prices are compared within `want_currency` where it is given. A size counts when it is not known
-- to be sold out. `only_in_stock` leaves out offers known to be sold out; unknown stays in.
-- Plain SQL, so the planner inlines it into the searches that call it. Names become ids in arrays
-- rather than IN (SELECT ...): behind an OR the latter is guessed to let half of all rows through.
CREATE OR REPLACE FUNCTION products_matching(
    want_price_min numeric DEFAULT NULL,
    want_price_max numeric DEFAULT NULL,
    want_currency text DEFAULT NULL,
    want_brands text[] DEFAULT NULL,
    unwanted_brands text[] DEFAULT NULL,
    want_genders text[] DEFAULT NULL,
    want_shops text[] DEFAULT NULL,
    want_size text DEFAULT NULL,
    want_size_system text DEFAULT NULL,
    only_in_stock boolean DEFAULT true
) RETURNS TABLE (product_id bigint)
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT p.id
    FROM product AS p
    WHERE (want_brands IS NULL
           OR p.brand_id = ANY (ARRAY(
               SELECT b.id FROM brand AS b WHERE lower(b.name) = ANY (want_brands))))
      AND (unwanted_brands IS NULL
           OR p.brand_id IS NULL
           OR p.brand_id <> ALL (ARRAY(
               SELECT b.id FROM brand AS b WHERE lower(b.name) = ANY (unwanted_brands))))
      AND (want_genders IS NULL OR p.gender = ANY (want_genders))
      AND p.id IN (
          SELECT o.product_id
          FROM offer AS o
          WHERE (want_price_min IS NULL OR o.price >= want_price_min)
            AND (want_price_max IS NULL OR o.price <= want_price_max)
            AND (want_currency IS NULL OR o.currency = want_currency)
            AND (NOT only_in_stock OR o.availability <> 'out_of_stock')
            AND (want_shops IS NULL
                 OR o.shop_id = ANY (ARRAY(
                     SELECT s.id FROM shop AS s WHERE lower(s.name) = ANY (want_shops))))
            AND (want_size IS NULL
                 OR EXISTS (
                     SELECT
                     FROM offer_size AS z
                     WHERE z.offer_id = o.id
                       AND z.label = want_size
                       AND (want_size_system IS NULL OR z.system = want_size_system)
                       AND z.available IS NOT FALSE)))
$$;

-- For analysts: the products nearest to one picture of the catalogue under the active encoder.
--     SELECT * FROM similar_products(42, 10);
-- similarity is the cosine in [-1, 1]. The dimension of the cast is the encoder's, so the statement
-- is completed here and runs on that encoder's HNSW index.
CREATE OR REPLACE FUNCTION similar_products(like_image bigint, how_many integer DEFAULT 10)
RETURNS TABLE (product_id bigint, brand text, model text, colourway text, image_id bigint,
               similarity real, best_price numeric, currency text)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    active encoder%ROWTYPE;
BEGIN
    SELECT * INTO active FROM encoder AS e WHERE e.status = 'active';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no encoder is active' USING HINT = 'run: solemate etl embed';
    END IF;
    RETURN QUERY EXECUTE format($query$
        WITH target AS MATERIALIZED (
            SELECT t.vec::halfvec(%1$s) AS vec FROM embedding AS t
            WHERE t.encoder_id = %2$s AND t.image_id = $1
        ),
        nearest AS MATERIALIZED (
            SELECT e.image_id, e.vec::halfvec(%1$s) <=> (SELECT vec FROM target) AS distance
            FROM embedding AS e
            WHERE e.encoder_id = %2$s
            ORDER BY e.vec::halfvec(%1$s) <=> (SELECT vec FROM target)
            LIMIT $2 * 10
        ),
        best AS (
            SELECT DISTINCT ON (o.product_id) o.product_id, n.image_id, n.distance
            FROM nearest AS n
            JOIN offer_image AS oi ON oi.image_id = n.image_id
            JOIN offer AS o ON o.id = oi.offer_id
            ORDER BY o.product_id, n.distance
        )
        SELECT best.product_id, b.name, p.model, p.colourway, best.image_id,
               (1 - best.distance)::real, cheapest.price, cheapest.currency
        FROM best
        JOIN product AS p ON p.id = best.product_id
        LEFT JOIN brand AS b ON b.id = p.brand_id
        LEFT JOIN LATERAL (
            SELECT o.price, o.currency FROM offer AS o
            WHERE o.product_id = best.product_id AND o.availability <> 'out_of_stock'
            ORDER BY o.price NULLS LAST LIMIT 1
        ) AS cheapest ON true
        ORDER BY best.distance, best.product_id
        LIMIT $2
    $query$, active.dim, active.id) USING like_image, how_many;
END
$$;

-- One notification a statement: Postgres folds equal ones of a transaction.
CREATE OR REPLACE TRIGGER image_notify
    AFTER INSERT ON image
    FOR EACH STATEMENT EXECUTE FUNCTION notify_new_image();

-- Offers that can be bought now (not known to be sold out), with all a reader wants beside them.
CREATE OR REPLACE VIEW on_sale AS
SELECT o.id AS offer_id,
       p.id AS product_id,
       b.name AS brand,
       p.model,
       p.colourway,
       coalesce(p.style_code, o.style_code) AS style_code,
       coalesce(p.gender, o.gender) AS gender,
       p.category,
       s.name AS shop,
       o.price,
       o.list_price,
       CASE WHEN o.list_price > o.price
            THEN round(100 * (1 - o.price / o.list_price), 1) END AS discount_percent,
       o.currency,
       o.availability,
       o.title,
       o.url,
       o.first_seen_at,
       o.last_seen_at
FROM offer AS o
JOIN product AS p ON p.id = o.product_id
JOIN shop AS s ON s.id = o.shop_id
LEFT JOIN brand AS b ON b.id = p.brand_id
WHERE o.availability <> 'out_of_stock';

-- Every price an offer has had, with the change against the one before.
CREATE OR REPLACE VIEW price_history AS
SELECT pp.offer_id,
       o.product_id,
       s.name AS shop,
       o.title,
       pp.seen_at,
       pp.price,
       pp.currency,
       pp.availability,
       pp.price - lag(pp.price) OVER (PARTITION BY pp.offer_id, pp.currency ORDER BY pp.seen_at, pp.id)
           AS price_change
FROM price_point AS pp
JOIN offer AS o ON o.id = pp.offer_id
JOIN shop AS s ON s.id = o.shop_id;

-- By brand and currency: how much is on sale and for what.
CREATE OR REPLACE VIEW market_overview AS
SELECT brand,
       currency,
       count(DISTINCT product_id) AS products,
       count(*) AS offers,
       count(DISTINCT shop) AS shops,
       min(price) AS price_min,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY price)::numeric(12, 2) AS price_median,
       max(price) AS price_max,
       round(avg(discount_percent), 1) AS mean_discount_percent
FROM on_sale
GROUP BY brand, currency;
