-- Back to r0001_catalogue; what only the newer tables hold is lost.

DROP VIEW market_overview, on_sale;

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

DROP FUNCTION fx_to;

DROP TABLE fx_rate;

DROP TABLE offer_match;

DROP TABLE match_decision;

DROP TABLE shop_circuit;

DROP TABLE host_turn;

DROP TABLE product_alias;

DELETE FROM etl_run WHERE kind NOT IN ('import', 'shop');
ALTER TABLE etl_run DROP CONSTRAINT etl_run_kind_check,
    ADD CONSTRAINT etl_run_kind_check CHECK (kind IN ('import', 'shop')),
    DROP COLUMN pass_started_at;
ALTER TABLE image_source DROP COLUMN tries, DROP COLUMN retry_at;
ALTER TABLE offer DROP COLUMN confidence;

COMMENT ON TABLE offer IS 'A shop''s offer of a product; price is what a buyer pays now, in currency';

COMMENT ON TABLE etl_run IS 'One run of an import or a shop''s refresh, with its counts';

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
