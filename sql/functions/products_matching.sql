-- Products that pass a search's filters; a NULL argument does not limit.
-- A product passes when its brand and gender do and at least one of its offers passes all the rest.
-- Prices are compared in `want_currency` where it is given: offers in other currencies by the newest
-- official rates (fx_to), those without a rate left out. A size counts when it is not known
-- to be sold out. `only_in_stock` leaves out offers known to be sold out; unknown stays in.
-- The main colour (the first) must be a wanted one, with `every_colour` all wanted ones must be
-- there too; a shoe of unknown colour is not of an unwanted one. Type "sneaker" lets unknown types pass.
-- Plain SQL, so the planner inlines it into the searches that call it. Names become ids in arrays
-- rather than IN (SELECT ...): behind an OR the latter is guessed to let half of all rows through.
CREATE OR REPLACE FUNCTION products_matching(
    want_price_min numeric DEFAULT NULL,
    want_price_max numeric DEFAULT NULL,
    want_currency text DEFAULT NULL,
    want_brands text[] DEFAULT NULL,
    unwanted_brands text[] DEFAULT NULL,
    want_genders text[] DEFAULT NULL,
    want_shops text[] DEFAULT NULL,
    want_size text DEFAULT NULL,
    want_size_system text DEFAULT NULL,
    only_in_stock boolean DEFAULT true,
    want_colours text[] DEFAULT NULL,
    unwanted_colours text[] DEFAULT NULL,
    every_colour boolean DEFAULT false,
    want_types text[] DEFAULT NULL,
    unwanted_types text[] DEFAULT NULL
) RETURNS TABLE (product_id bigint)
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT p.id
    FROM product AS p
    WHERE (want_brands IS NULL
           OR p.brand_id = ANY (ARRAY(
               SELECT b.id FROM brand AS b WHERE lower(b.name) = ANY (want_brands))))
      AND (unwanted_brands IS NULL
           OR p.brand_id IS NULL
           OR p.brand_id <> ALL (ARRAY(
               SELECT b.id FROM brand AS b WHERE lower(b.name) = ANY (unwanted_brands))))
      AND (want_genders IS NULL OR p.gender = ANY (want_genders))
      AND (want_colours IS NULL
           OR (p.colours[1] = ANY (want_colours)
               AND (NOT every_colour OR p.colours @> want_colours)))
      AND (unwanted_colours IS NULL
           OR p.colours[1] IS NULL
           OR p.colours[1] <> ALL (unwanted_colours))
      AND (want_types IS NULL
           OR p.types && want_types
           OR ('sneaker' = ANY (want_types) AND cardinality(coalesce(p.types, '{}')) = 0))
      AND (unwanted_types IS NULL OR p.types IS NULL OR NOT p.types && unwanted_types)
      AND p.id IN (
          SELECT o.product_id
          FROM offer AS o
          LEFT JOIN fx_to(want_currency) AS fx ON fx.currency = o.currency
          WHERE (want_price_min IS NULL OR o.price * coalesce(fx.rate, 1) >= want_price_min)
            AND (want_price_max IS NULL OR o.price * coalesce(fx.rate, 1) <= want_price_max)
            AND (want_currency IS NULL OR fx.currency IS NOT NULL)
            AND (NOT only_in_stock OR o.availability <> 'out_of_stock')
            AND (want_shops IS NULL
                 OR o.shop_id = ANY (ARRAY(
                     SELECT s.id FROM shop AS s WHERE lower(s.name) = ANY (want_shops))))
            AND (want_size IS NULL
                 OR EXISTS (
                     SELECT
                     FROM offer_size AS z
                     WHERE z.offer_id = o.id
                       AND z.label = want_size
                       AND (want_size_system IS NULL OR z.system = want_size_system)
                       AND z.available IS NOT FALSE)))
$$;
