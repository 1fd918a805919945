-- name: etl_load_lock
-- One chunk of one run writes the catalogue at a time: products and brands are shared between
-- shops, and two writers that insert them in different order would deadlock.
SELECT pg_advisory_xact_lock(hashtext('solemate catalogue load'));

-- name: etl_shop
-- The shop as configured; no row where it is new or its configuration changed.
SELECT id FROM shop
WHERE lower(name) = lower(%(name)s) AND adapter = %(adapter)s
  AND home_url IS NOT DISTINCT FROM coalesce(%(home_url)s, home_url);

-- name: etl_upsert_shop
-- Finds or makes the shop; the adapter and home page follow its configuration.
INSERT INTO shop (name, adapter, home_url)
VALUES (%(name)s, %(adapter)s, %(home_url)s)
ON CONFLICT (lower(name))
DO UPDATE SET adapter = excluded.adapter, home_url = coalesce(excluded.home_url, shop.home_url)
RETURNING id;

-- name: etl_known_offers
-- The shop's offers among the external ids of a chunk.
SELECT o.external_id, o.id, o.content_hash
FROM offer AS o
WHERE o.shop_id = %(shop_id)s AND o.external_id = ANY (%(external_ids)s::text[]);

-- name: etl_touch_offers
-- Offers seen again with the same facts.
UPDATE offer SET last_seen_at = now() WHERE id = ANY (%(ids)s::bigint[]);

-- name: etl_touch_pages
-- Offers of pages that the shop says are unchanged, or that could not be read now. Returns each
-- offer's page.
UPDATE offer SET last_seen_at = now()
WHERE shop_id = %(shop_id)s AND page_url = ANY (%(page_urls)s::text[])
RETURNING page_url;

-- name: etl_pages_done
-- Pages whose offers this pass has seen already, before it was interrupted.
SELECT DISTINCT page_url
FROM offer
WHERE shop_id = %(shop_id)s AND last_seen_at >= %(started_at)s AND page_url IS NOT NULL;

-- name: etl_seen_elsewhere
-- Offers among the given that this pass has seen on another page: a product under several
-- addresses is read from the first.
SELECT external_id, page_url
FROM offer
WHERE shop_id = %(shop_id)s AND external_id = ANY (%(external_ids)s::text[])
  AND page_url IS NOT NULL
  AND (last_seen_at >= %(started_at)s OR page_url = ANY (%(unchanged)s::text[]));

-- name: etl_offer_pages
-- Pages that offers were read from, and whether they showed something to buy: what a listing's loss
-- is measured against.
SELECT page_url, bool_or(availability <> 'out_of_stock')
FROM offer
WHERE shop_id = %(shop_id)s AND page_url IS NOT NULL
GROUP BY page_url;

-- name: etl_touch_external
-- Offers seen again though nothing of them could be read anew (a folder whose picture broke).
UPDATE offer SET last_seen_at = now()
WHERE shop_id = %(shop_id)s AND external_id = ANY (%(external_ids)s::text[]);

-- name: etl_insert_brands
-- Brands not known yet, in input order; the first spelling stays.
INSERT INTO brand (name)
SELECT n.name
FROM (SELECT DISTINCT ON (lower(u.name)) u.name, u.ord
      FROM unnest(%(names)s::text[]) WITH ORDINALITY AS u (name, ord)
      ORDER BY lower(u.name), u.ord) AS n
WHERE NOT EXISTS (SELECT FROM brand AS b WHERE lower(b.name) = lower(n.name))
ORDER BY n.ord
ON CONFLICT DO NOTHING;

-- name: etl_write_offers
-- New and changed offers of a chunk, with their products, in one statement's snapshot order:
-- the rows are first staged by etl_stage_offers. Returns each offer's id and whether it is new.
INSERT INTO offer (shop_id, external_id, product_id, url, page_url, title, description, price,
                   list_price, currency, availability, sku, style_code, gtin, category, gender,
                   content_hash, confidence)
SELECT %(shop_id)s, s.external_id, s.product_id, s.url, s.page_url, s.title, s.description, s.price,
       s.list_price, s.currency, s.availability, s.sku, s.style_code, s.gtin, s.category, s.gender,
       decode(s.content_hash, 'hex'), s.confidence
FROM etl_stage AS s
ORDER BY s.ord
ON CONFLICT (shop_id, external_id)
DO UPDATE SET url = excluded.url, page_url = excluded.page_url, title = excluded.title,
              description = excluded.description, price = excluded.price,
              list_price = excluded.list_price, currency = excluded.currency,
              availability = excluded.availability, sku = excluded.sku,
              style_code = excluded.style_code, gtin = excluded.gtin,
              category = excluded.category, gender = excluded.gender,
              content_hash = excluded.content_hash, confidence = excluded.confidence,
              last_seen_at = now()
RETURNING id, external_id, (xmax = 0) AS is_new;

-- name: etl_make_stage
-- The chunk's staging table, private to this connection and emptied by each commit.
CREATE TEMPORARY TABLE IF NOT EXISTS etl_stage (
    ord integer PRIMARY KEY,
    external_id text NOT NULL,
    brand_id integer,
    product_id bigint,
    origin text NOT NULL,
    model_key text,
    url text, page_url text, title text, description text,
    brand text, model text, colourway text,
    price numeric, list_price numeric, currency text, availability text NOT NULL,
    sku text, style_code text, gtin text, category text, gender text,
    content_hash text NOT NULL, confidence text NOT NULL
) ON COMMIT DELETE ROWS;

-- name: etl_stage_offers
-- Stages the chunk's new and changed offers, with the brands' ids.
INSERT INTO etl_stage (ord, external_id, brand_id, origin, model_key, url, page_url, title,
                       description, brand, model, colourway, price, list_price, currency,
                       availability, sku, style_code, gtin, category, gender, content_hash,
                       confidence)
SELECT r.ord, r.external_id, b.id, r.origin, r.model_key, r.url, r.page_url, r.title,
       r.description, r.brand, r.model, r.colourway, r.price, r.list_price, r.currency,
       r.availability, r.sku, r.style_code, r.gtin, r.category, r.gender, r.content_hash, r.confidence
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (
    ord integer, external_id text, origin text, model_key text, url text, page_url text, title text,
    description text, brand text, model text, colourway text, price numeric, list_price numeric,
    currency text, availability text, sku text, style_code text, gtin text, category text,
    gender text, content_hash text, confidence text)
LEFT JOIN brand AS b ON lower(b.name) = lower(r.brand);

-- name: etl_stage_known_products
-- An offer known before keeps its product, whatever a later page says.
UPDATE etl_stage AS s SET product_id = o.product_id
FROM offer AS o
WHERE o.shop_id = %(shop_id)s AND o.external_id = s.external_id;

-- name: etl_insert_products
-- Products that the staged offers need and that nothing stands for yet: one for each brand and
-- style code, else one for each origin. The first offer in input order makes the product.
INSERT INTO product (brand_id, model, colourway, style_code, gender, category, model_key, origin)
SELECT n.brand_id, n.model, n.colourway, n.style_code, n.gender, n.category, n.model_key, n.origin
FROM (SELECT DISTINCT ON (k.key) k.*
      FROM (SELECT s.*,
                   CASE WHEN s.brand_id IS NOT NULL AND s.style_code IS NOT NULL
                        THEN 's:' || s.brand_id || ':' || s.style_code
                        ELSE 'o:' || s.origin END AS key
            FROM etl_stage AS s
            WHERE s.product_id IS NULL) AS k
      ORDER BY k.key, k.ord) AS n
WHERE NOT EXISTS (SELECT FROM product AS p
                  WHERE p.brand_id = n.brand_id AND p.style_code = n.style_code)
  AND NOT EXISTS (SELECT FROM product_alias AS a WHERE a.origin = n.origin)
ORDER BY n.ord
ON CONFLICT DO NOTHING;

-- name: etl_stage_products
-- Each staged offer's product: by brand and style code, else by origin, which may have been joined
-- into another product.
UPDATE etl_stage AS s
SET product_id = coalesce(
    (SELECT p.id FROM product AS p WHERE p.brand_id = s.brand_id AND p.style_code = s.style_code),
    (SELECT a.product_id FROM product_alias AS a WHERE a.origin = s.origin),
    (SELECT p.id FROM product AS p WHERE p.origin = s.origin))
WHERE s.product_id IS NULL;

-- name: etl_fill_products
-- What a product lacks, from its staged offers in input order; what it has stays.
UPDATE product AS p
SET brand_id = coalesce(p.brand_id, f.brand_id),
    model = coalesce(p.model, f.model),
    colourway = coalesce(p.colourway, f.colourway),
    gender = coalesce(p.gender, f.gender),
    category = coalesce(p.category, f.category),
    model_key = coalesce(p.model_key, f.model_key),
    updated_at = now()
FROM (SELECT s.product_id,
             (array_agg(s.brand_id ORDER BY s.ord) FILTER (WHERE s.brand_id IS NOT NULL))[1] AS brand_id,
             (array_agg(s.model ORDER BY s.ord) FILTER (WHERE s.model IS NOT NULL))[1] AS model,
             (array_agg(s.colourway ORDER BY s.ord) FILTER (WHERE s.colourway IS NOT NULL))[1] AS colourway,
             (array_agg(s.gender ORDER BY s.ord) FILTER (WHERE s.gender IS NOT NULL))[1] AS gender,
             (array_agg(s.category ORDER BY s.ord) FILTER (WHERE s.category IS NOT NULL))[1] AS category,
             (array_agg(s.model_key ORDER BY s.ord) FILTER (WHERE s.model_key IS NOT NULL))[1] AS model_key
      FROM etl_stage AS s
      GROUP BY s.product_id) AS f
WHERE p.id = f.product_id
  -- A brand that comes later must not make two products of one brand and style code.
  AND (p.brand_id IS NOT NULL OR p.style_code IS NULL)
  AND ((p.brand_id IS NULL AND f.brand_id IS NOT NULL)
       OR (p.model IS NULL AND f.model IS NOT NULL)
       OR (p.colourway IS NULL AND f.colourway IS NOT NULL)
       OR (p.gender IS NULL AND f.gender IS NOT NULL)
       OR (p.category IS NULL AND f.category IS NOT NULL)
       OR (p.model_key IS NULL AND f.model_key IS NOT NULL));

-- name: etl_delete_sizes
-- Sizes of changed offers, before the new ones are written.
DELETE FROM offer_size WHERE offer_id = ANY (%(ids)s::bigint[]);

-- name: etl_insert_sizes
-- Sizes of new and changed offers.
INSERT INTO offer_size (offer_id, position, label, system, available)
SELECT r.offer_id, r.position, r.label, r.system, r.available
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (
    offer_id bigint, position smallint, label text, system text, available boolean);

-- name: etl_insert_price_points
-- History: a row for an offer whose price, list price, currency or availability differs from its
-- last row; the first row once there is something to say.
INSERT INTO price_point (offer_id, price, list_price, currency, availability)
SELECT o.id, o.price, o.list_price, o.currency, o.availability
FROM offer AS o
LEFT JOIN LATERAL (
    SELECT pp.id, pp.price, pp.list_price, pp.currency, pp.availability
    FROM price_point AS pp
    WHERE pp.offer_id = o.id
    ORDER BY pp.seen_at DESC, pp.id DESC
    LIMIT 1) AS last ON true
WHERE o.id = ANY (%(ids)s::bigint[])
  AND CASE WHEN last.id IS NULL THEN o.price IS NOT NULL OR o.availability <> 'unknown'
           ELSE (o.price, o.list_price, o.currency, o.availability)
                IS DISTINCT FROM (last.price, last.list_price, last.currency, last.availability) END
ORDER BY o.id;

-- name: etl_drop_images
-- Pictures that an offer no longer shows.
DELETE FROM offer_image AS oi
USING unnest(%(offer_ids)s::bigint[]) AS seen (offer_id)
WHERE oi.offer_id = seen.offer_id
  AND NOT EXISTS (
      SELECT FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (offer_id bigint, image_id bigint)
      WHERE r.offer_id = oi.offer_id AND r.image_id = oi.image_id);

-- name: etl_put_images
-- Pictures of offers, best first.
INSERT INTO offer_image AS oi (offer_id, image_id, position, view, setting)
SELECT r.offer_id, r.image_id, r.position, r.view, r.setting
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (
    offer_id bigint, image_id bigint, position smallint, view text, setting text)
ON CONFLICT (offer_id, image_id)
DO UPDATE SET position = excluded.position, view = excluded.view, setting = excluded.setting
WHERE (oi.position, oi.view, oi.setting)
      IS DISTINCT FROM (excluded.position, excluded.view, excluded.setting);

-- name: etl_mark_gone
-- After a complete run: offers of the shop that it did not see are sold out. Their empty hash makes
-- the next sighting a change.
WITH gone AS (
    UPDATE offer
    SET availability = 'out_of_stock', content_hash = ''::bytea
    WHERE shop_id = %(shop_id)s AND last_seen_at < %(started_at)s
      AND availability <> 'out_of_stock'
    RETURNING id, price, list_price, currency, availability)
INSERT INTO price_point (offer_id, price, list_price, currency, availability)
SELECT id, price, list_price, currency, availability FROM gone
ORDER BY id
RETURNING offer_id;

-- name: etl_forget_gone_pages
-- Before offers are marked gone: their pages are asked for in full when they come back, because
-- "unchanged" would say nothing of an offer that was marked sold out here.
DELETE FROM fetched_page AS f
USING offer AS o
WHERE o.shop_id = %(shop_id)s AND o.last_seen_at < %(started_at)s
  AND f.shop_id = o.shop_id AND o.page_url IN (f.url, f.same_as);

-- name: etl_shop_stock
-- How many offers of the shop are not sold out: what a sudden drop is measured against.
SELECT count(*) FILTER (WHERE availability <> 'out_of_stock') AS on_sale,
       count(*) FILTER (WHERE availability <> 'out_of_stock' AND last_seen_at < %(started_at)s) AS unseen
FROM offer
WHERE shop_id = %(shop_id)s;

-- name: etl_clear_stage
-- A transaction may hold a second chunk.
DELETE FROM etl_stage;
