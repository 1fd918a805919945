-- name: search_matching
-- The products that pass the filters, no more than one past `up_to` (NULL: all of them): few enough
-- and they are scanned exactly, too many and the index is walked.
SELECT coalesce(array_agg(matching.product_id), '{}'::bigint[]) AS products
FROM (
    SELECT product_id
    FROM products_matching(%(price_min)s::numeric, %(price_max)s::numeric, %(currency)s::text,
                           %(brands)s::text[], %(brands_out)s::text[], %(genders)s::text[],
                           %(shops)s::text[], %(size)s::text, %(size_system)s::text,
                           %(in_stock)s::boolean, %(colours)s::text[], %(colours_out)s::text[],
                           %(colours_all)s::boolean, %(types)s::text[], %(types_out)s::text[])
    LIMIT %(up_to)s::bigint + 1
) AS matching;

-- name: search_exact
-- The given products, nearest first, the distance to every picture of theirs computed: for
-- selective filters, for a catalogue without an index, and as the truth that HNSW is measured
-- against. One row a product, with its nearest picture; distance is 1 - cosine. A picture may ask
-- twice, `elsewhere` (or NULL) for the shoe as other shops show it: the nearer of the two counts,
-- for which that vector's length stands, so its inner product is taken. The products come as an
-- array because the planner then knows how many they are.
WITH nearest AS (
    SELECT DISTINCT ON (o.product_id)
           o.product_id,
           e.image_id,
           least(e.vec::halfvec({dim}) <=> %(query)s::halfvec({dim}),
                 1 + (e.vec::halfvec({dim}) <#> %(elsewhere)s::halfvec({dim}))) AS distance
    FROM unnest(%(products)s::bigint[]) AS matching (product_id)
    JOIN offer AS o ON o.product_id = matching.product_id
    JOIN offer_image AS oi ON oi.offer_id = o.id
    JOIN embedding AS e ON e.encoder_id = %(encoder_id)s AND e.image_id = oi.image_id
    WHERE e.image_id IS DISTINCT FROM %(not_image)s::bigint
    ORDER BY o.product_id, distance, e.image_id
)
SELECT n.product_id, b.name AS brand, p.model, p.colourway, p.colours, p.gender, n.image_id, i.path,
       n.distance
FROM (SELECT * FROM nearest ORDER BY distance, product_id
      LIMIT %(limit)s OFFSET %(offset)s) AS n
JOIN product AS p ON p.id = n.product_id
LEFT JOIN brand AS b ON b.id = p.brand_id
JOIN image AS i ON i.id = n.image_id
ORDER BY n.distance, n.product_id;

-- name: search_hnsw
-- The same by the HNSW index: the nearest `candidates` pictures first, then filters and grouping.
-- The caller sets hnsw.ef_search and asks again with more candidates, or exactly, where too few
-- products came through the filters. The index is used only while cast and operator stand exactly
-- like this, in the ORDER BY: a picture that asks twice walks the index twice, and what is among
-- the nearest by the better of both distances is among the nearest by one of them.
WITH near_query AS MATERIALIZED (
    SELECT e.image_id, e.vec::halfvec({dim}) AS vec
    FROM embedding AS e
    WHERE e.encoder_id = %(encoder_id)s
    ORDER BY e.vec::halfvec({dim}) <=> %(query)s::halfvec({dim})
    LIMIT %(candidates)s
),
near_elsewhere AS MATERIALIZED (
    SELECT e.image_id, e.vec::halfvec({dim}) AS vec
    FROM embedding AS e
    WHERE e.encoder_id = %(encoder_id)s AND %(elsewhere)s::halfvec({dim}) IS NOT NULL
    ORDER BY e.vec::halfvec({dim}) <=> %(elsewhere)s::halfvec({dim})
    LIMIT %(candidates)s
),
near_picture AS (
    SELECT either.image_id,
           least(either.vec <=> %(query)s::halfvec({dim}),
                 1 + (either.vec <#> %(elsewhere)s::halfvec({dim}))) AS distance
    FROM (SELECT image_id, vec FROM near_query
          UNION ALL
          SELECT image_id, vec FROM near_elsewhere) AS either
),
near_product AS MATERIALIZED (
    SELECT DISTINCT ON (o.product_id) o.product_id, n.image_id, n.distance
    FROM near_picture AS n
    JOIN offer_image AS oi ON oi.image_id = n.image_id
    JOIN offer AS o ON o.id = oi.offer_id
    WHERE n.image_id IS DISTINCT FROM %(not_image)s::bigint
    ORDER BY o.product_id, n.distance, n.image_id
)
SELECT n.product_id, b.name AS brand, p.model, p.colourway, p.colours, p.gender, n.image_id, i.path,
       n.distance
FROM (
    SELECT *
    FROM near_product
    WHERE product_id IN (
        SELECT matching.product_id
        FROM products_matching(%(price_min)s::numeric, %(price_max)s::numeric, %(currency)s::text,
                               %(brands)s::text[], %(brands_out)s::text[], %(genders)s::text[],
                               %(shops)s::text[], %(size)s::text, %(size_system)s::text,
                               %(in_stock)s::boolean, %(colours)s::text[], %(colours_out)s::text[],
                               %(colours_all)s::boolean, %(types)s::text[],
                               %(types_out)s::text[]) AS matching)
    ORDER BY distance, product_id
    LIMIT %(limit)s OFFSET %(offset)s
) AS n
JOIN product AS p ON p.id = n.product_id
LEFT JOIN brand AS b ON b.id = p.brand_id
JOIN image AS i ON i.id = n.image_id
ORDER BY n.distance, n.product_id;

-- name: search_tune
-- How far HNSW looks in this transaction: more neighbours kept, higher recall, slower. A search is
-- remembered without waiting for the disk: losing the last ones in a crash costs a "next" button.
SELECT set_config('hnsw.ef_search', %(ef_search)s::text, true),
       set_config('synchronous_commit', 'off', true);

-- name: search_offers
-- The offers of found products, buyable first and then cheapest first, with their sizes. Prices in
-- different currencies are compared in the wanted one, else in euros, by the newest official rates;
-- converted and rate_day are NULL where nothing was converted.
SELECT o.product_id, o.id AS offer_id, s.name AS shop, o.url, o.title, o.price, o.list_price,
       o.currency, o.availability, o.last_seen_at,
       CASE WHEN fx.day IS NOT NULL AND %(currency)s::text IS NOT NULL
            THEN round(o.price * fx.rate, 2) END AS converted,
       CASE WHEN %(currency)s::text IS NOT NULL THEN fx.day END AS rate_day,
       coalesce(
           (SELECT jsonb_agg(jsonb_build_array(z.label, z.system, z.available) ORDER BY z.position)
            FROM offer_size AS z
            WHERE z.offer_id = o.id),
           '[]'::jsonb) AS sizes
FROM offer AS o
JOIN shop AS s ON s.id = o.shop_id
LEFT JOIN fx_to(coalesce(%(currency)s::text, 'EUR')) AS fx ON fx.currency = o.currency
WHERE o.product_id = ANY (%(product_ids)s::bigint[])
  AND (%(currency)s::text IS NULL OR fx.currency IS NOT NULL)
  AND (NOT %(in_stock)s::boolean OR o.availability <> 'out_of_stock')
ORDER BY o.product_id, o.availability = 'out_of_stock',
         o.price * coalesce(fx.rate, 1) NULLS LAST, o.id;

-- name: search_vector_of_image
-- A catalogue picture's embedding under an encoder: the query of "more like this".
SELECT vec FROM embedding WHERE encoder_id = %(encoder_id)s AND image_id = %(image_id)s;

-- name: search_store
-- Remembers a search so that its next page and its results' neighbours can be asked for later.
INSERT INTO search_event (user_key, kind, encoder_id, query, elsewhere, filters, page_size, method,
                          verdict, hits, took_ms, not_image_id, words, shape_weight, colour_weight,
                          moved)
VALUES (%(user_key)s, %(kind)s, %(encoder_id)s, %(query)s, %(elsewhere)s, %(filters)s,
        %(page_size)s, %(method)s, %(verdict)s, %(hits)s, %(took_ms)s, %(not_image)s, %(words)s,
        %(shape_weight)s, %(colour_weight)s, %(moved)s)
RETURNING id;

-- name: search_recall
-- A stored search: its vectors before the weights, its words, filters and the picture it began
-- from.
SELECT encoder_id, kind, query, elsewhere, filters, page_size, not_image_id, words, shape_weight,
       colour_weight, moved
FROM search_event
WHERE id = %(search_id)s;

-- name: search_by_words
-- Products for a text: vector neighbours and full-text matches fused by reciprocal rank (Cormack,
-- Clarke and Buettcher 2009, k = 60). `products` passed the filters; `query` NULL: full text alone.
-- Offers with all the words come before those with some; products with one of the `exact` words,
-- which vectors know nothing of, before all others. An offer without a title is looked for by its
-- product's names. One row a product, with the picture nearest to the text, else its first;
-- distance is 1 - cosine, NULL without vectors.
WITH asked AS (
    SELECT plainto_tsquery('russian', %(text)s::text) || plainto_tsquery('english', %(text)s::text)
               AS every,
           replace((plainto_tsquery('russian', %(text)s::text)
                    || plainto_tsquery('english', %(text)s::text))::text, '&', '|')::tsquery
               AS some,
           replace((plainto_tsquery('russian', %(exact)s::text)
                    || plainto_tsquery('english', %(exact)s::text))::text, '&', '|')::tsquery
               AS exact
),
matching AS (
    SELECT product_id FROM unnest(%(products)s::bigint[]) AS listed (product_id)
),
nearest AS MATERIALIZED (
    SELECT DISTINCT ON (o.product_id)
           o.product_id,
           e.image_id,
           e.vec::halfvec({dim}) <=> %(query)s::halfvec({dim}) AS distance
    FROM matching AS m
    JOIN offer AS o ON o.product_id = m.product_id
    JOIN offer_image AS oi ON oi.offer_id = o.id
    JOIN embedding AS e ON e.encoder_id = %(encoder_id)s AND e.image_id = oi.image_id
    WHERE %(query)s::halfvec({dim}) IS NOT NULL
    ORDER BY o.product_id, distance, e.image_id
),
by_vector AS (
    SELECT product_id, row_number() OVER (ORDER BY distance, product_id) AS place
    FROM nearest
    ORDER BY place
    LIMIT %(depth)s
),
written AS (
    SELECT o.product_id, o.search_text AS document
    FROM asked AS a
    JOIN offer AS o ON o.search_text @@ a.some
    UNION ALL
    SELECT o.product_id, named.document
    FROM asked AS a
    JOIN offer AS o ON o.title IS NULL
    JOIN product AS p ON p.id = o.product_id
    LEFT JOIN brand AS b ON b.id = p.brand_id
    CROSS JOIN LATERAL (
        SELECT to_tsvector('russian', concat_ws(' ', b.name, p.model, p.colourway))
               || to_tsvector('english', concat_ws(' ', b.name, p.model, p.colourway)) AS document
    ) AS named
    WHERE named.document @@ a.some
),
by_words AS (
    SELECT w.product_id,
           bool_or(w.document @@ a.exact) AS exact,
           row_number() OVER (
               ORDER BY bool_or(w.document @@ a.exact) DESC,
                        bool_or(w.document @@ a.every) DESC,
                        max(ts_rank_cd(w.document, a.some)) DESC,
                        w.product_id) AS place
    FROM asked AS a
    CROSS JOIN written AS w
    JOIN matching AS m ON m.product_id = w.product_id
    GROUP BY w.product_id
    ORDER BY place
    LIMIT %(depth)s
),
fused AS (
    SELECT product_id, sum(1.0 / (60 + place)) AS score, bool_or(exact) AS exact
    FROM (SELECT product_id, place, false AS exact FROM by_vector
          UNION ALL
          SELECT product_id, place, exact FROM by_words) AS both_lists
    GROUP BY product_id
)
SELECT f.product_id, b.name AS brand, p.model, p.colourway, p.colours, p.gender,
       i.id AS image_id, i.path,
       n.distance
FROM fused AS f
JOIN product AS p ON p.id = f.product_id
LEFT JOIN brand AS b ON b.id = p.brand_id
LEFT JOIN nearest AS n ON n.product_id = f.product_id
JOIN LATERAL (
    SELECT image.id, image.path
    FROM offer AS o
    JOIN offer_image AS oi ON oi.offer_id = o.id
    JOIN image ON image.id = oi.image_id
    WHERE o.product_id = f.product_id
    ORDER BY (image.id = n.image_id) IS TRUE DESC, oi.position, image.id
    LIMIT 1
) AS i ON true
ORDER BY f.exact DESC, f.score DESC, n.distance, f.product_id
LIMIT %(limit)s OFFSET %(offset)s;

-- name: search_brands
-- The brands of the catalogue's products with their other spellings.
SELECT b.name, b.aliases
FROM brand AS b
WHERE EXISTS (SELECT FROM product AS p WHERE p.brand_id = b.id)
ORDER BY b.name;

-- name: search_words_known
-- Those of the words that stand in an offer's title or description, or in the names of a product
-- whose offer has no title.
SELECT asked.word
FROM unnest(%(words)s::text[]) AS asked (word)
CROSS JOIN LATERAL (
    SELECT plainto_tsquery('russian', asked.word) || plainto_tsquery('english', asked.word) AS terms
) AS q
WHERE EXISTS (SELECT FROM offer AS o WHERE o.search_text @@ q.terms)
   OR EXISTS (
       SELECT
       FROM offer AS o
       JOIN product AS p ON p.id = o.product_id
       LEFT JOIN brand AS b ON b.id = p.brand_id
       WHERE o.title IS NULL
         AND (to_tsvector('russian', concat_ws(' ', b.name, p.model, p.colourway))
              || to_tsvector('english', concat_ws(' ', b.name, p.model, p.colourway))) @@ q.terms);

-- name: search_colour_centre
-- How the catalogue's shoes of some colours look on average under an encoder: what takes the colour
-- part's place where words ask for another colour. `alone`: shoes of exactly these colours in this
-- order; else those whose main colour is the first, shoes of fewer colours before others.
SELECT avg(near.vec) AS vec, count(*) AS pictures
FROM (SELECT e.vec
      FROM product AS p
      JOIN offer AS o ON o.product_id = p.id
      JOIN offer_image AS oi ON oi.offer_id = o.id AND oi.position = 0
      JOIN embedding AS e ON e.encoder_id = %(encoder_id)s AND e.image_id = oi.image_id
      WHERE CASE WHEN %(alone)s::boolean THEN p.colours = %(colours)s::text[]
                 ELSE p.colours[1] = (%(colours)s::text[])[1] END
      ORDER BY cardinality(p.colours), p.id
      LIMIT %(limit)s) AS near;
