-- name: demo_products
-- Which products a query picture shows: by style code, or by the shop's own number of an offer.
SELECT DISTINCT wanted.key, o.product_id
FROM unnest(%(keys)s::text[]) AS wanted (key)
JOIN offer AS o ON o.external_id = wanted.key OR o.style_code = wanted.key;
