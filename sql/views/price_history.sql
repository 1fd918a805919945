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
