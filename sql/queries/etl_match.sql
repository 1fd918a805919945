-- name: match_lock
-- One matcher or person changes products at a time, and no loader writes meanwhile.
SELECT pg_advisory_xact_lock(hashtext('solemate catalogue load'));

-- name: match_count
-- How many offers there are.
SELECT count(*) FROM offer;

-- name: match_offers
-- What the rules look at, an offer a row.
SELECT o.id, o.product_id, o.shop_id, b.name AS brand, p.origin, o.title,
       coalesce(o.style_code, p.style_code) AS style_code, o.gtin, p.model, p.colourway,
       coalesce(o.gender, p.gender) AS gender
FROM offer AS o
JOIN product AS p ON p.id = o.product_id
LEFT JOIN brand AS b ON b.id = p.brand_id
ORDER BY o.id;

-- name: match_decisions
-- What people decided.
SELECT offer_a, offer_b, verdict FROM match_decision ORDER BY id;

-- name: match_vectors
-- The first pictures of every offer under an encoder.
SELECT oi.offer_id, e.vec
FROM offer_image AS oi
JOIN embedding AS e ON e.encoder_id = %(encoder_id)s AND e.image_id = oi.image_id
WHERE oi.position < %(pictures)s
ORDER BY oi.offer_id, oi.position;

-- name: match_shown
-- The first pictures of every offer.
SELECT oi.offer_id, oi.image_id
FROM offer_image AS oi
WHERE oi.position < %(pictures)s
ORDER BY oi.offer_id, oi.position;

-- name: match_unprinted
-- Pictures of offers that have no print of this version, after a place in the table.
SELECT i.id, i.path
FROM image AS i
WHERE i.id > %(after)s
  AND EXISTS (SELECT FROM offer_image AS oi WHERE oi.image_id = i.id)
  AND NOT EXISTS (SELECT FROM image_print AS p
                  WHERE p.image_id = i.id AND p.version = %(version)s)
ORDER BY i.id
LIMIT %(limit)s;

-- name: match_put_prints
-- Prints of pictures, still to be compared.
INSERT INTO image_print AS p (image_id, version, print)
SELECT u.image_id, %(version)s, u.print
FROM unnest(%(images)s::bigint[], %(prints)s::bytea[]) AS u (image_id, print)
ON CONFLICT (image_id)
DO UPDATE SET version = excluded.version, print = excluded.print, compared = false;

-- name: match_prints
-- All prints, and whether they were compared with those there were before them.
SELECT p.image_id, p.print, p.compared
FROM image_print AS p
WHERE p.version = %(version)s
ORDER BY p.image_id;

-- name: match_put_compared
-- Prints that this run compared with all others; written with what it joined.
UPDATE image_print SET compared = true
WHERE image_id = ANY (%(images)s::bigint[]) AND NOT compared;

-- name: match_put_evidence
-- Why offers join; earlier evidence of an offer that moves on is replaced.
INSERT INTO offer_match (offer_id, with_offer_id, method, score, detail)
SELECT o.id, %(with_offer)s, %(method)s, %(score)s, %(detail)s
FROM offer AS o
WHERE o.product_id = %(product)s
ON CONFLICT (offer_id)
DO UPDATE SET with_offer_id = excluded.with_offer_id, method = excluded.method,
              score = excluded.score, detail = excluded.detail, matched_at = now();

-- name: match_move_offers
-- Offers of a product that is joined into another.
UPDATE offer SET product_id = %(into)s WHERE product_id = %(product)s;

-- name: match_move_aliases
-- Origins that led to the joined product lead on.
UPDATE product_alias SET product_id = %(into)s WHERE product_id = %(product)s;

-- name: match_move_shown
-- What alerts have told of the joined product they have told of the remaining one.
INSERT INTO bot_alert_shown (alert_id, product_id)
SELECT alert_id, %(into)s FROM bot_alert_shown WHERE product_id = %(product)s
ON CONFLICT DO NOTHING;

-- name: match_take_product
-- The joined product's row goes; what it knew is returned.
DELETE FROM product WHERE id = %(product)s
RETURNING origin, brand_id, model, colourway, style_code, gender, category, model_key;

-- name: match_fill_product
-- What the remaining product lacks, from the joined one; what it has stays.
UPDATE product
SET brand_id = coalesce(brand_id, %(brand_id)s), model = coalesce(model, %(model)s),
    colourway = coalesce(colourway, %(colourway)s), gender = coalesce(gender, %(gender)s),
    style_code = coalesce(style_code, %(style_code)s),
    category = coalesce(category, %(category)s), model_key = coalesce(model_key, %(model_key)s),
    updated_at = now()
WHERE id = %(into)s;

-- name: match_put_alias
-- Later offers of the joined product's origin belong to the remaining one.
INSERT INTO product_alias (origin, product_id) VALUES (%(origin)s, %(into)s)
ON CONFLICT (origin) DO UPDATE SET product_id = excluded.product_id;

-- name: match_offer
-- An offer's product, by the offer's id.
SELECT product_id FROM offer WHERE id = %(offer)s;

-- name: match_decide
-- A person's word on two offers; the last word counts.
INSERT INTO match_decision (offer_a, offer_b, verdict, note)
VALUES (least(%(one)s, %(other)s)::bigint, greatest(%(one)s, %(other)s)::bigint, %(verdict)s,
        %(note)s)
ON CONFLICT (offer_a, offer_b)
DO UPDATE SET verdict = excluded.verdict, note = excluded.note, decided_at = now();

-- name: match_siblings
-- The other offers of an offer's product.
SELECT s.id FROM offer AS o JOIN offer AS s ON s.product_id = o.product_id AND s.id <> o.id
WHERE o.id = %(offer)s ORDER BY s.id;

-- name: match_split_product
-- A product of its own for an offer; without the style code, which the old product keeps.
INSERT INTO product (brand_id, model, colourway, gender, category, model_key, origin)
SELECT p.brand_id, p.model, p.colourway, p.gender, p.category, p.model_key,
       'split:' || o.id || ':' || nextval(pg_get_serial_sequence('match_decision', 'id'))
FROM offer AS o JOIN product AS p ON p.id = o.product_id
WHERE o.id = %(offer)s
RETURNING id;

-- name: match_split_offer
-- The offer goes to its own product; why it stood elsewhere is forgotten.
WITH forgotten AS (DELETE FROM offer_match WHERE offer_id = %(offer)s)
UPDATE offer SET product_id = %(product)s WHERE id = %(offer)s;
