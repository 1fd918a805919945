-- What users said of results («то, что искал» / «мимо»), for evaluating encoders; nobody's names.
CREATE OR REPLACE VIEW search_feedback AS
SELECT f.id AS feedback_id,
       e.name AS encoder,
       e.revision AS encoder_revision,
       f.search_kind,
       f.rank,
       f.verdict,
       f.image_id,
       s.product_id,
       b.name AS brand,
       p.model,
       p.colourway,
       f.query,
       f.filters,
       f.created_at
FROM bot_feedback AS f
JOIN encoder AS e ON e.id = f.encoder_id
LEFT JOIN LATERAL (
    SELECT o.product_id
    FROM offer_image AS oi
    JOIN offer AS o ON o.id = oi.offer_id
    WHERE oi.image_id = f.image_id
    ORDER BY oi.position, o.id
    LIMIT 1
) AS s ON true
LEFT JOIN product AS p ON p.id = s.product_id
LEFT JOIN brand AS b ON b.id = p.brand_id;
