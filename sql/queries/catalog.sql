-- name: catalog_checksum
-- One md5 over the whole catalogue by natural keys: no ids, no times of day. Two databases that hold
-- the same shops, products, offers, sizes, prices, pictures give the same; so does a run that was
-- killed and taken up again.
SELECT md5(string_agg(line, E'\n' ORDER BY line COLLATE "C")) AS checksum, count(*) AS lines
FROM (
    SELECT concat_ws('|', 'offer', s.name, o.external_id, p.origin, b.name, p.model, p.colourway,
                     p.style_code, p.gender, p.category, p.model_key, p.attributes::text,
                     o.url, o.title, o.description, o.price, o.list_price, o.currency,
                     o.availability, o.sku, o.style_code, o.gtin, encode(o.content_hash, 'hex')) AS line
    FROM offer AS o
    JOIN shop AS s ON s.id = o.shop_id
    JOIN product AS p ON p.id = o.product_id
    LEFT JOIN brand AS b ON b.id = p.brand_id
    UNION ALL
    SELECT concat_ws('|', 'size', s.name, o.external_id, z.position, z.label, z.system, z.available)
    FROM offer_size AS z
    JOIN offer AS o ON o.id = z.offer_id
    JOIN shop AS s ON s.id = o.shop_id
    UNION ALL
    SELECT concat_ws('|', 'price', s.name, o.external_id,
                     row_number() OVER (PARTITION BY o.id ORDER BY pp.id),
                     pp.price, pp.list_price, pp.currency, pp.availability)
    FROM price_point AS pp
    JOIN offer AS o ON o.id = pp.offer_id
    JOIN shop AS s ON s.id = o.shop_id
    UNION ALL
    SELECT concat_ws('|', 'picture', s.name, o.external_id, oi.position, oi.view, oi.setting,
                     encode(i.sha256, 'hex'), i.phash, i.width, i.height, i.size_bytes, i.format, i.path)
    FROM offer_image AS oi
    JOIN offer AS o ON o.id = oi.offer_id
    JOIN shop AS s ON s.id = o.shop_id
    JOIN image AS i ON i.id = oi.image_id
) AS catalogue (line);

-- name: catalog_counts
-- How much the catalogue holds, for status lines and reports.
SELECT (SELECT count(*) FROM shop) AS shops,
       (SELECT count(*) FROM product) AS products,
       (SELECT count(*) FROM offer) AS offers,
       (SELECT count(*) FROM image) AS images,
       (SELECT count(*) FROM price_point) AS price_points,
       (SELECT count(*) FROM embedding AS e JOIN encoder AS n ON n.id = e.encoder_id
        WHERE n.status = 'active') AS embeddings;
