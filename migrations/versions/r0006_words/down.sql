-- Back to the revision before; searches by words and what was derived are lost.

DROP TRIGGER product_forget_traits ON product;
DROP FUNCTION forget_traits;
DROP FUNCTION products_matching(numeric, numeric, text, text[], text[], text[], text[], text, text, boolean, text[], text[], boolean, text[], text[]);

-- Products that pass a search's filters; a NULL argument does not limit.
-- A product passes when its brand and gender do and at least one of its offers passes all the rest.
-- Prices are compared in `want_currency` where it is given: offers in other currencies by the newest
-- official rates (fx_to), those without a rate left out. A size counts when it is not known
-- to be sold out. `only_in_stock` leaves out offers known to be sold out; unknown stays in.
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
    only_in_stock boolean DEFAULT true
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

-- Searches by words are gone with their way to be asked again.
DELETE FROM search_event WHERE kind = 'text' OR query IS NULL;

ALTER TABLE search_event
    DROP COLUMN moved, DROP COLUMN colour_weight, DROP COLUMN shape_weight, DROP COLUMN words,
    ALTER COLUMN query SET NOT NULL,
    DROP CONSTRAINT search_event_kind_check,
    ADD CONSTRAINT search_event_kind_check CHECK (kind IN ('photo', 'image'));

COMMENT ON TABLE search_event IS 'A search as asked: its vector and filters answer for the next page after a restart';

DROP TABLE image_sight;

DROP INDEX product_traits_idx;

ALTER TABLE product DROP COLUMN colours_seen, DROP COLUMN types, DROP COLUMN colours;

COMMENT ON TABLE product IS 'One shoe in one colourway, whoever sells it; origin is SHOP:KEY of the offer that created it';
