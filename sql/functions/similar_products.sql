-- For analysts: the products nearest to one picture of the catalogue under the active encoder.
--     SELECT * FROM similar_products(42, 10);
-- similarity is the cosine in [-1, 1]. The dimension of the cast is the encoder's, so the statement
-- is completed here and runs on that encoder's HNSW index.
CREATE OR REPLACE FUNCTION similar_products(like_image bigint, how_many integer DEFAULT 10)
RETURNS TABLE (product_id bigint, brand text, model text, colourway text, image_id bigint,
               similarity real, best_price numeric, currency text)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    active encoder%ROWTYPE;
BEGIN
    SELECT * INTO active FROM encoder AS e WHERE e.status = 'active';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no encoder is active' USING HINT = 'run: solemate etl embed';
    END IF;
    RETURN QUERY EXECUTE format($query$
        WITH target AS MATERIALIZED (
            SELECT t.vec::halfvec(%1$s) AS vec FROM embedding AS t
            WHERE t.encoder_id = %2$s AND t.image_id = $1
        ),
        nearest AS MATERIALIZED (
            SELECT e.image_id, e.vec::halfvec(%1$s) <=> (SELECT vec FROM target) AS distance
            FROM embedding AS e
            WHERE e.encoder_id = %2$s
            ORDER BY e.vec::halfvec(%1$s) <=> (SELECT vec FROM target)
            LIMIT $2 * 10
        ),
        best AS (
            SELECT DISTINCT ON (o.product_id) o.product_id, n.image_id, n.distance
            FROM nearest AS n
            JOIN offer_image AS oi ON oi.image_id = n.image_id
            JOIN offer AS o ON o.id = oi.offer_id
            ORDER BY o.product_id, n.distance
        )
        SELECT best.product_id, b.name, p.model, p.colourway, best.image_id,
               (1 - best.distance)::real, cheapest.price, cheapest.currency
        FROM best
        JOIN product AS p ON p.id = best.product_id
        LEFT JOIN brand AS b ON b.id = p.brand_id
        LEFT JOIN LATERAL (
            SELECT o.price, o.currency FROM offer AS o
            WHERE o.product_id = best.product_id AND o.availability <> 'out_of_stock'
            ORDER BY o.price NULLS LAST LIMIT 1
        ) AS cheapest ON true
        ORDER BY best.distance, best.product_id
        LIMIT $2
    $query$, active.dim, active.id) USING like_image, how_many;
END
$$;
