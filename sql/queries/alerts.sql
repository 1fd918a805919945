-- name: alert_lock
-- One process computes alerts at a time.
SELECT pg_try_advisory_xact_lock(hashtext('solemate alerts'));

-- name: alert_drops
-- Price drops: the lowest price among offers that can be bought, in the alert's currency, is below
-- the lowest the user was told. The new price is remembered in the same statement, so the same
-- price is told once, and a further drop again. A drop still waiting to be sent gives way. Prices
-- in other currencies come by the newest official rates and count from two per cent below: rates
-- move every day, and that is no news.
WITH lowest AS (
    SELECT DISTINCT ON (a.id) a.id AS alert_id, a.user_id, a.told_price AS was,
           round(n.price * fx.rate, 2) AS price, coalesce(a.currency, n.currency) AS currency,
           n.id AS offer_id, n.price AS offer_price, n.currency AS offer_currency
    FROM bot_alert AS a
    JOIN bot_saved AS s ON s.id = a.saved_id
    JOIN offer AS o ON o.id = s.offer_id
    JOIN offer AS n ON n.product_id = o.product_id
                   AND n.availability <> 'out_of_stock'
                   AND n.price > 0
    JOIN LATERAL fx_to(coalesce(a.currency, n.currency)) AS fx ON fx.currency = n.currency
    WHERE a.kind = 'drop' AND a.active
      AND (a.told_price IS NULL
           OR n.price * fx.rate < a.told_price * CASE WHEN n.currency = a.currency
                                                      THEN 1 ELSE 0.98 END)
    ORDER BY a.id, n.price * fx.rate, n.id
),
fell AS (
    SELECT * FROM lowest WHERE price < was
),
told AS (
    UPDATE bot_alert AS a
    SET told_price = l.price, currency = l.currency
    FROM lowest AS l
    WHERE a.id = l.alert_id
),
overtaken AS (
    UPDATE bot_outbox AS x
    SET state = 'dropped', settled_at = now(), error = 'overtaken by a further drop'
    FROM fell AS f
    WHERE x.alert_id = f.alert_id AND x.state = 'pending'
    RETURNING x.alert_id, (x.payload ->> 'was')::numeric AS was
)
INSERT INTO bot_outbox (user_id, alert_id, key, payload)
SELECT f.user_id, f.alert_id, 'drop:' || f.alert_id || ':' || f.currency || ':' || f.price,
       jsonb_build_object('kind', 'drop', 'was', coalesce(
                              (SELECT max(t.was) FROM overtaken AS t
                               WHERE t.alert_id = f.alert_id), f.was)::text,
                          'price', f.price::text, 'currency', f.currency,
                          'offer_id', f.offer_id, 'offer_price', f.offer_price::text,
                          'offer_currency', f.offer_currency)
FROM fell AS f
ON CONFLICT (key) DO NOTHING
RETURNING id;

-- name: alert_returns
-- Shoes that are there again in the user's size. `present` remembers what was seen last, so one
-- return is one message; a return still waiting when the shoe is gone again is not sent.
WITH looked AS (
    SELECT a.id AS alert_id, a.user_id, a.size, a.present AS before, o.product_id,
           EXISTS (SELECT FROM products_matching(want_size => a.size,
                                                 want_size_system => a.size_system) AS m
                   WHERE m.product_id = o.product_id) AS present
    FROM bot_alert AS a
    JOIN bot_saved AS s ON s.id = a.saved_id
    JOIN offer AS o ON o.id = s.offer_id
    WHERE a.kind = 'back' AND a.active
),
noted AS (
    UPDATE bot_alert AS a
    SET present = l.present
    FROM looked AS l
    WHERE a.id = l.alert_id AND l.present IS DISTINCT FROM l.before
),
gone AS (
    UPDATE bot_outbox AS x
    SET state = 'dropped', settled_at = now(), error = 'gone again'
    FROM looked AS l
    WHERE x.alert_id = l.alert_id AND x.state = 'pending' AND NOT l.present
),
times AS (
    SELECT l.*, (SELECT count(*) FROM bot_outbox AS x WHERE x.alert_id = l.alert_id) AS number
    FROM looked AS l
    WHERE l.present AND l.before = false
)
INSERT INTO bot_outbox (user_id, alert_id, key, payload)
SELECT t.user_id, t.alert_id, 'back:' || t.alert_id || ':' || t.number || ':' || txid_current(),
       jsonb_build_object('kind', 'back', 'size', t.size)
FROM times AS t
ON CONFLICT (key) DO NOTHING
RETURNING id;

-- name: alert_new
-- New shoes close to a saved picture: products that came after the alert, closer to it than
-- `distance`, not told of yet. One message for all that a look finds, the closest first. A saved
-- shoe is compared by its picture under the active encoder, a photograph by its own vectors: the
-- nearer of two, where it asks twice (see search_exact).
WITH fresh AS MATERIALIZED (
    SELECT DISTINCT o.product_id, p.created_at, e.image_id, e.vec
    FROM product AS p
    JOIN offer AS o ON o.product_id = p.id AND o.availability <> 'out_of_stock'
    JOIN offer_image AS oi ON oi.offer_id = o.id
    JOIN embedding AS e ON e.encoder_id = %(encoder_id)s AND e.image_id = oi.image_id
    WHERE p.created_at > now() - interval '14 days'
),
asked AS (
    SELECT a.id AS alert_id, a.user_id, a.created_at, own.product_id,
           coalesce(s.query, v.vec) AS query, s.elsewhere
    FROM bot_alert AS a
    JOIN bot_saved AS s ON s.id = a.saved_id
    LEFT JOIN offer AS own ON own.id = s.offer_id
    LEFT JOIN embedding AS v ON s.kind = 'shoe' AND v.encoder_id = %(encoder_id)s
                            AND v.image_id = s.image_id
    WHERE a.kind = 'new' AND a.active
      AND (s.kind = 'shoe' OR s.encoder_id = %(encoder_id)s)
),
near AS (
    SELECT DISTINCT ON (q.alert_id, f.product_id) q.alert_id, q.user_id, f.product_id, f.image_id,
           d.distance
    FROM asked AS q
    JOIN fresh AS f ON f.created_at > q.created_at AND f.product_id IS DISTINCT FROM q.product_id
    CROSS JOIN LATERAL (
        SELECT least(f.vec::halfvec({dim}) <=> q.query::halfvec({dim}),
                     1 + (f.vec::halfvec({dim}) <#> q.elsewhere::halfvec({dim}))) AS distance
    ) AS d
    WHERE d.distance <= %(distance)s
      AND NOT EXISTS (SELECT FROM bot_alert_shown AS t
                      WHERE t.alert_id = q.alert_id AND t.product_id = f.product_id)
    ORDER BY q.alert_id, f.product_id, d.distance
),
shown AS (
    INSERT INTO bot_alert_shown (alert_id, product_id)
    SELECT alert_id, product_id FROM near
    ON CONFLICT DO NOTHING
)
INSERT INTO bot_outbox (user_id, alert_id, key, payload)
SELECT n.user_id, n.alert_id, 'new:' || n.alert_id || ':' || min(n.product_id) || ':' || count(*),
       jsonb_build_object('kind', 'new',
                          'image_ids', (array_agg(n.image_id ORDER BY n.distance))[1:5],
                          'count', count(*))
FROM near AS n
GROUP BY n.user_id, n.alert_id
ON CONFLICT (key) DO NOTHING
RETURNING id;

-- name: alert_message
-- What an alert's message says of its shoe as it is now: the cheapest offer that can be bought
-- (`offer_id`: that one), the shop, the picture; buyable tells whether anything still is.
SELECT a.id AS alert_id, a.kind, s.id AS saved_id, coalesce(s.image_id, pic.image_id) AS image_id,
       i.path, b.name AS brand, p.model, p.colourway, n.price, n.currency, n.url,
       shop.name AS shop, (n.id IS NOT NULL AND n.availability <> 'out_of_stock') AS buyable
FROM bot_alert AS a
JOIN bot_saved AS s ON s.id = a.saved_id
JOIN offer AS o ON o.id = s.offer_id
LEFT JOIN product AS p ON p.id = o.product_id
LEFT JOIN brand AS b ON b.id = p.brand_id
LEFT JOIN LATERAL (
    SELECT f.*
    FROM offer AS f
    LEFT JOIN fx_to('EUR') AS fx ON fx.currency = f.currency
    WHERE f.product_id = o.product_id
      AND (%(offer_id)s::bigint IS NULL OR f.id = %(offer_id)s::bigint)
    ORDER BY f.availability = 'out_of_stock', f.price * coalesce(fx.rate, 1) NULLS LAST, f.id
    LIMIT 1
) AS n ON true
LEFT JOIN shop ON shop.id = n.shop_id
LEFT JOIN LATERAL (
    SELECT oi.image_id FROM offer_image AS oi JOIN offer AS f ON f.id = oi.offer_id
    WHERE f.product_id = o.product_id ORDER BY oi.position, oi.image_id LIMIT 1
) AS pic ON true
LEFT JOIN image AS i ON i.id = coalesce(s.image_id, pic.image_id)
WHERE a.id = %(alert_id)s;

-- name: alert_shoes
-- Shoes by their pictures, in the order given, each with its cheapest offer that can be bought.
SELECT w.image_id, i.path, b.name AS brand, p.model, p.colourway, n.price, n.currency, n.url,
       n.shop
FROM unnest(%(image_ids)s::bigint[]) WITH ORDINALITY AS w (image_id, place)
JOIN image AS i ON i.id = w.image_id
JOIN LATERAL (
    SELECT o.product_id FROM offer_image AS oi JOIN offer AS o ON o.id = oi.offer_id
    WHERE oi.image_id = w.image_id ORDER BY oi.position, o.id LIMIT 1
) AS o ON true
JOIN product AS p ON p.id = o.product_id
LEFT JOIN brand AS b ON b.id = p.brand_id
LEFT JOIN LATERAL (
    SELECT f.price, f.currency, f.url, shop.name AS shop
    FROM offer AS f
    JOIN shop ON shop.id = f.shop_id
    LEFT JOIN fx_to('EUR') AS fx ON fx.currency = f.currency
    WHERE f.product_id = o.product_id AND f.availability <> 'out_of_stock'
    ORDER BY f.price * coalesce(fx.rate, 1) NULLS LAST, f.id
    LIMIT 1
) AS n ON true
ORDER BY w.place;

-- name: alert_encoder
-- The active encoder and from which cosine similarity it calls shoes similar.
SELECT id, dim, similar_threshold FROM encoder WHERE status = 'active';
