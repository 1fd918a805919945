-- name: bot_save_shoe
-- Saves the product behind a picture, by its cheapest offer; no second row for the same product.
-- Returns the row, and whether it is new.
WITH wanted AS (
    SELECT o.id AS offer_id, o.product_id
    FROM offer_image AS oi
    JOIN offer AS pictured ON pictured.id = oi.offer_id
    JOIN offer AS o ON o.product_id = pictured.product_id
    LEFT JOIN fx_to('EUR') AS fx ON fx.currency = o.currency
    WHERE oi.image_id = %(image_id)s
    ORDER BY o.availability = 'out_of_stock', o.price * coalesce(fx.rate, 1) NULLS LAST, o.id
    LIMIT 1
),
known AS (
    SELECT s.id
    FROM bot_saved AS s
    JOIN offer AS o ON o.id = s.offer_id
    JOIN wanted AS w ON w.product_id = o.product_id
    WHERE s.user_id = %(user_id)s
    ORDER BY s.id
    LIMIT 1
),
added AS (
    INSERT INTO bot_saved (user_id, kind, offer_id, image_id)
    SELECT %(user_id)s, 'shoe', w.offer_id, %(image_id)s::bigint
    FROM wanted AS w
    WHERE NOT EXISTS (SELECT FROM known)
    ON CONFLICT (user_id, offer_id) DO NOTHING
    RETURNING id
)
SELECT id, true AS added FROM added
UNION ALL
SELECT id, false FROM known;

-- name: bot_save_picture
-- Saves the picture that a search was asked with, by its vectors. Returns the row.
INSERT INTO bot_saved AS s (user_id, kind, encoder_id, query, elsewhere, search_id)
SELECT %(user_id)s, 'picture', e.encoder_id, e.query, e.elsewhere, e.id
FROM search_event AS e
WHERE e.id = %(search_id)s AND e.user_key = 'tg:' || %(user_id)s::bigint
ON CONFLICT (user_id, search_id) DO UPDATE SET search_id = s.search_id
RETURNING id, (xmax = 0) AS added;

-- name: bot_saved_list
-- What a user saved, newest first, with what it costs now: the cheapest offer that can be bought.
SELECT s.id, s.kind, coalesce(s.image_id, first.image_id) AS image_id, s.created_at,
       b.name AS brand, p.model, p.colourway, now_.price, now_.currency, now_.shop, now_.url,
       coalesce((SELECT array_agg(a.kind ORDER BY a.kind)
                 FROM bot_alert AS a WHERE a.saved_id = s.id AND a.active), '{}') AS alerts
FROM bot_saved AS s
LEFT JOIN offer AS o ON o.id = s.offer_id
LEFT JOIN product AS p ON p.id = o.product_id
LEFT JOIN brand AS b ON b.id = p.brand_id
LEFT JOIN LATERAL (
    SELECT oi.image_id FROM offer_image AS oi WHERE oi.offer_id = o.id
    ORDER BY oi.position LIMIT 1
) AS first ON true
LEFT JOIN LATERAL (
    SELECT n.price, n.currency, shop.name AS shop, n.url
    FROM offer AS n
    JOIN shop ON shop.id = n.shop_id
    LEFT JOIN fx_to('EUR') AS fx ON fx.currency = n.currency
    WHERE n.product_id = o.product_id AND n.availability <> 'out_of_stock'
    ORDER BY n.price * coalesce(fx.rate, 1) NULLS LAST, n.id
    LIMIT 1
) AS now_ ON true
WHERE s.user_id = %(user_id)s
ORDER BY s.id DESC
LIMIT %(limit)s OFFSET %(offset)s;

-- name: bot_saved_count
-- How many things a user saved.
SELECT count(*) FROM bot_saved WHERE user_id = %(user_id)s;

-- name: bot_saved_remove
-- Removes a saved thing of the user's own, and its alerts with it.
DELETE FROM bot_saved WHERE id = %(saved_id)s AND user_id = %(user_id)s RETURNING id;

-- name: bot_alert_put
-- Switches an alert of a saved thing on. What is known of it starts from today's facts: the lowest
-- price, in the user's currency or else that of the cheapest offer, and whether the shoe is there in the user's size
-- (without one: in any).
INSERT INTO bot_alert AS a (user_id, saved_id, kind, size, size_system, told_price, currency,
                            present)
SELECT s.user_id, s.id, %(kind)s, u.size, u.size_system, lowest.price, lowest.currency,
       CASE WHEN o.id IS NOT NULL THEN EXISTS (
           SELECT FROM products_matching(want_size => u.size,
                                         want_size_system => u.size_system) AS m
           WHERE m.product_id = o.product_id) END
FROM bot_saved AS s
JOIN bot_user AS u ON u.user_id = s.user_id
LEFT JOIN offer AS o ON o.id = s.offer_id
LEFT JOIN LATERAL (
    SELECT round(n.price * coalesce(own.rate, 1), 2) AS price,
           coalesce(CASE WHEN own.rate IS NOT NULL THEN u.currency END, n.currency) AS currency
    FROM offer AS n
    LEFT JOIN fx_to('EUR') AS fx ON fx.currency = n.currency
    LEFT JOIN LATERAL fx_to(u.currency) AS own ON own.currency = n.currency
    WHERE n.product_id = o.product_id AND n.price IS NOT NULL
    ORDER BY n.availability = 'out_of_stock', n.price * coalesce(fx.rate, 1), n.id
    LIMIT 1
) AS lowest ON true
WHERE s.id = %(saved_id)s AND s.user_id = %(user_id)s
  AND (%(kind)s = 'new' OR s.kind = 'shoe')
ON CONFLICT (saved_id, kind) DO UPDATE
SET active = true, size = excluded.size, size_system = excluded.size_system,
    told_price = CASE WHEN a.active THEN a.told_price ELSE excluded.told_price END,
    currency = CASE WHEN a.active THEN a.currency ELSE excluded.currency END,
    present = CASE WHEN a.active THEN a.present ELSE excluded.present END,
    created_at = CASE WHEN a.active THEN a.created_at ELSE now() END
RETURNING a.id, a.size;

-- name: bot_alert_stop
-- Switches an alert of the user's own off; what waits to be sent for it stays unsent.
UPDATE bot_alert SET active = false
WHERE id = %(alert_id)s AND user_id = %(user_id)s
RETURNING kind;

-- name: bot_alert_stop_all
-- Switches all alerts of a user off; returns how many were on.
UPDATE bot_alert SET active = false
WHERE user_id = %(user_id)s AND active
RETURNING id;

-- name: bot_alert_list
-- A user's alerts that are on, newest first.
SELECT a.id, a.kind, a.size, a.size_system, a.told_price, a.currency, a.present, a.saved_id,
       s.kind AS saved_kind, s.created_at AS saved_at, b.name AS brand, p.model, p.colourway,
       (s.kind = 'picture' AND e.status <> 'active') AS asleep
FROM bot_alert AS a
JOIN bot_saved AS s ON s.id = a.saved_id
LEFT JOIN encoder AS e ON e.id = s.encoder_id
LEFT JOIN offer AS o ON o.id = s.offer_id
LEFT JOIN product AS p ON p.id = o.product_id
LEFT JOIN brand AS b ON b.id = p.brand_id
WHERE a.user_id = %(user_id)s AND a.active
ORDER BY a.id DESC
LIMIT %(limit)s;

-- name: bot_contact_read
-- When the user may be written to; NULLs where nothing was ever chosen.
SELECT c.timezone, c.quiet, c.quiet_from, c.quiet_to
FROM bot_user AS u
LEFT JOIN bot_contact AS c USING (user_id)
WHERE u.user_id = %(user_id)s;

-- name: bot_contact_set
-- Sets quiet hours and time zone; NULL keeps what is there.
INSERT INTO bot_contact AS c (user_id, timezone, quiet, quiet_from, quiet_to)
VALUES (%(user_id)s, %(timezone)s, coalesce(%(quiet)s::boolean, true),
        coalesce(%(quiet_from)s::time, '22:00'), coalesce(%(quiet_to)s::time, '09:00'))
ON CONFLICT (user_id) DO UPDATE
SET timezone = coalesce(%(timezone)s, c.timezone), quiet = coalesce(%(quiet)s::boolean, c.quiet),
    quiet_from = coalesce(%(quiet_from)s::time, c.quiet_from),
    quiet_to = coalesce(%(quiet_to)s::time, c.quiet_to);

-- name: bot_contact_language
-- Which language the user was answered in: for messages sent unasked.
INSERT INTO bot_contact AS c (user_id, language) VALUES (%(user_id)s, %(language)s)
ON CONFLICT (user_id) DO UPDATE SET language = excluded.language
WHERE c.language IS DISTINCT FROM excluded.language;

-- name: bot_contact_block
-- The user blocked the bot, or let it in again; blocked, nothing is sent unasked.
INSERT INTO bot_contact AS c (user_id, blocked_at)
SELECT user_id, CASE WHEN %(blocked)s::boolean THEN now() END
FROM bot_user
WHERE user_id = %(user_id)s
ON CONFLICT (user_id) DO UPDATE
SET blocked_at = CASE WHEN %(blocked)s::boolean THEN coalesce(c.blocked_at, now()) END
WHERE (c.blocked_at IS NULL) = %(blocked)s::boolean;
