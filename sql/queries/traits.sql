-- name: traits_missing
-- Products whose colours and types were not derived yet, with the words they are derived from; the
-- title is the oldest offer's.
SELECT p.id, p.colourway, p.model, p.category, t.title
FROM product AS p
JOIN LATERAL (SELECT o.title FROM offer AS o WHERE o.product_id = p.id
              ORDER BY o.title IS NULL, o.id LIMIT 1) AS t ON true
WHERE p.colours IS NULL
ORDER BY p.id
LIMIT %(limit)s;

-- name: traits_put
-- Derived colours and types.
UPDATE product AS p
SET colours = r.colours, types = r.types, colours_seen = false
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (id bigint, colours text[], types text[])
WHERE p.id = r.id;

-- name: traits_see
-- Products of which no colour is stated take what the heads saw on their first picture; types only
-- where none is stated. `products` NULL: whichever of them.
UPDATE product AS p
SET colours = s.colours,
    types = CASE WHEN p.types = '{}' THEN s.types ELSE p.types END,
    colours_seen = true
FROM (SELECT DISTINCT ON (o.product_id) o.product_id, g.colours, g.types
      FROM product AS q
      JOIN offer AS o ON o.product_id = q.id
      JOIN offer_image AS oi ON oi.offer_id = o.id
      JOIN image_sight AS g ON g.image_id = oi.image_id
      WHERE q.colours = '{}'
        AND (%(products)s::bigint[] IS NULL OR q.id = ANY (%(products)s::bigint[]))
      ORDER BY o.product_id, oi.position, oi.image_id) AS s
WHERE p.id = s.product_id AND p.colours = '{}' AND s.colours <> '{}';

-- name: traits_put_sights
-- What the heads saw on pictures just embedded; the encoder that came last is believed.
INSERT INTO image_sight AS g (image_id, encoder_id, colours, types)
SELECT r.image_id, %(encoder_id)s, r.colours, r.types
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (image_id bigint, colours text[], types text[])
ORDER BY r.image_id
ON CONFLICT (image_id)
DO UPDATE SET encoder_id = excluded.encoder_id, colours = excluded.colours, types = excluded.types;
