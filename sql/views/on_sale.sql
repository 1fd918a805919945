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
       o.last_seen_at,
       o.confidence
FROM offer AS o
JOIN product AS p ON p.id = o.product_id
JOIN shop AS s ON s.id = o.shop_id
LEFT JOIN brand AS b ON b.id = p.brand_id
WHERE o.availability <> 'out_of_stock';
