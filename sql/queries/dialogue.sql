-- name: dialogue_settings
-- What a user chose in /settings; no row: nothing yet.
SELECT currency, size, size_system, shops FROM bot_user WHERE user_id = %(user_id)s;

-- name: dialogue_set
-- Keeps a user's choices.
INSERT INTO bot_user (user_id, currency, size, size_system, shops)
VALUES (%(user_id)s, %(currency)s, %(size)s, %(size_system)s, %(shops)s::text[])
ON CONFLICT (user_id) DO UPDATE
SET currency = excluded.currency, size = excluded.size, size_system = excluded.size_system,
    shops = excluded.shops;

-- name: dialogue_session
-- A user's session in a chat, while it lasts: the filters set by buttons and the search looked at.
SELECT filters, search_id
FROM bot_session
WHERE chat_id = %(chat_id)s
  AND user_id = %(user_id)s
  AND used_at > now() - make_interval(mins => %(minutes)s);

-- name: dialogue_keep_session
-- Keeps a session; its user is made known first, whose row /forget may just have taken away, and a
-- search that is gone meanwhile is none.
WITH known AS (
    INSERT INTO bot_user (user_id) VALUES (%(user_id)s)
    ON CONFLICT (user_id) DO UPDATE SET last_seen_at = now()
    RETURNING user_id
)
INSERT INTO bot_session (chat_id, user_id, filters, search_id)
SELECT %(chat_id)s, known.user_id, %(filters)s::jsonb, s.id
FROM known
LEFT JOIN search_event AS s ON s.id = %(search_id)s::bigint
ON CONFLICT (chat_id, user_id) DO UPDATE
SET filters = excluded.filters, search_id = excluded.search_id, used_at = now();

-- name: dialogue_show
-- Notes which messages show which results; image_ids run parallel to message_ids, NULL in them: a
-- message about the whole page. A search deleted meanwhile leaves nothing to note.
INSERT INTO bot_shown (chat_id, message_id, search_id, page, image_id)
SELECT %(chat_id)s, sent.message_id, s.id, %(page)s, i.id
FROM unnest(%(message_ids)s::bigint[], %(image_ids)s::bigint[]) AS sent (message_id, image_id)
JOIN search_event AS s ON s.id = %(search_id)s
LEFT JOIN image AS i ON i.id = sent.image_id
ON CONFLICT (chat_id, message_id) DO UPDATE
SET search_id = excluded.search_id, page = excluded.page, image_id = excluded.image_id;

-- name: dialogue_shown
-- What a message shows.
SELECT search_id, page, image_id
FROM bot_shown
WHERE chat_id = %(chat_id)s AND message_id = %(message_id)s;

-- name: dialogue_offer_pick
-- Keeps a picture with several shoes until one is picked; those nobody picked in a month go.
WITH old AS (
    DELETE FROM bot_pick WHERE created_at < now() - interval '30 days'
),
known AS (
    INSERT INTO bot_user (user_id) VALUES (%(user_id)s)
    ON CONFLICT (user_id) DO UPDATE SET last_seen_at = now()
    RETURNING user_id
)
INSERT INTO bot_pick (user_id, file_id, boxes, words)
SELECT user_id, %(file_id)s, %(boxes)s::jsonb, %(words)s
FROM known
RETURNING id;

-- name: dialogue_pick
-- The picture to pick from; the user's own only.
SELECT file_id, boxes, words FROM bot_pick WHERE id = %(pick_id)s AND user_id = %(user_id)s;

-- name: dialogue_shops
-- Shops with something to sell, those with most offers first.
SELECT s.name
FROM shop AS s
JOIN offer AS o ON o.shop_id = s.id AND o.availability <> 'out_of_stock'
GROUP BY s.id, s.name
ORDER BY count(*) DESC, s.name
LIMIT %(limit)s;

-- name: dialogue_sizes
-- Sizes in stock in a system, those of most offers, by number: what a size menu offers.
SELECT label
FROM (
    SELECT z.label, count(*) AS offers
    FROM offer_size AS z
    JOIN offer AS o ON o.id = z.offer_id
    WHERE z.system = %(system)s
      AND z.available IS NOT FALSE
      AND o.availability <> 'out_of_stock'
      AND z.label ~ '^[0-9]{1,3}([.,][0-9]{1,2})?$'
    GROUP BY z.label
    ORDER BY count(*) DESC, z.label
    LIMIT %(limit)s
) AS usual
ORDER BY replace(label, ',', '.')::numeric;

-- name: dialogue_rates
-- What one unit of each currency costs in the wanted one, by the newest official rates.
SELECT currency, rate, day FROM fx_to(%(currency)s::text) WHERE day IS NOT NULL;

-- name: dialogue_picture_sources
-- Where on the web pictures of the catalogue came from, for services that show them by address.
SELECT DISTINCT ON (image_id) image_id, source
FROM image_source
WHERE image_id = ANY (%(image_ids)s::bigint[])
  AND source ~ '^https://'
ORDER BY image_id, source;
