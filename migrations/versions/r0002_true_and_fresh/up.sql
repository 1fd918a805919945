-- Frozen on 2026-11-24. Never edited after a release: later changes are later revisions.

ALTER TABLE offer ADD COLUMN confidence TEXT DEFAULT 'stated'::text NOT NULL
    CHECK (confidence IN ('stated', 'visible'));


COMMENT ON TABLE offer IS 'A shop''s offer of a product; price is what a buyer pays now, in currency; confidence tells facts stated in the page''s data from those read off what it shows';

ALTER TABLE image_source ADD COLUMN tries SMALLINT DEFAULT 0 NOT NULL;
ALTER TABLE image_source ADD COLUMN retry_at TIMESTAMP WITH TIME ZONE;

ALTER TABLE etl_run ADD COLUMN pass_started_at TIMESTAMP WITH TIME ZONE;
UPDATE etl_run SET pass_started_at = started_at;
ALTER TABLE etl_run ALTER COLUMN pass_started_at SET DEFAULT now(),
    ALTER COLUMN pass_started_at SET NOT NULL;
ALTER TABLE etl_run DROP CONSTRAINT etl_run_kind_check,
    ADD CONSTRAINT etl_run_kind_check CHECK (kind IN ('import', 'shop', 'match', 'rates'));

COMMENT ON TABLE etl_run IS 'One run, with its counts; pass_started_at is older than started_at where the run took up what an interrupted one had begun';

CREATE TABLE fx_rate (
	source TEXT NOT NULL, 
	day DATE NOT NULL, 
	currency TEXT NOT NULL, 
	base TEXT NOT NULL, 
	rate NUMERIC NOT NULL, 
	PRIMARY KEY (source, day, currency), 
	CHECK (rate > 0), 
	CHECK (currency ~ '^[A-Z]{3}$')
);

COMMENT ON TABLE fx_rate IS 'Official rates of a day: what one unit of currency costs in base; the base itself is 1';

CREATE TABLE host_turn (
	host TEXT NOT NULL, 
	next_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	PRIMARY KEY (host)
);

COMMENT ON TABLE host_turn IS 'When each host may be asked next, whichever process asks';

CREATE TABLE shop_circuit (
	shop_id INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	failures INTEGER DEFAULT 0 NOT NULL, 
	retry_at TIMESTAMP WITH TIME ZONE, 
	reason TEXT, 
	changed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	PRIMARY KEY (shop_id), 
	CHECK (state IN ('closed', 'open', 'half_open')), 
	FOREIGN KEY(shop_id) REFERENCES shop (id) ON DELETE CASCADE
);

COMMENT ON TABLE shop_circuit IS 'Shops in trouble are left alone until retry_at, then one run tries them';

CREATE TABLE product_alias (
	origin TEXT NOT NULL, 
	product_id BIGINT NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	PRIMARY KEY (origin), 
	FOREIGN KEY(product_id) REFERENCES product (id) ON DELETE CASCADE
);

CREATE INDEX product_alias_product_id_idx ON product_alias (product_id);

COMMENT ON TABLE product_alias IS 'Origins of products that were joined into another: their later offers go there too';

CREATE TABLE match_decision (
	id BIGINT GENERATED ALWAYS AS IDENTITY, 
	offer_a BIGINT NOT NULL, 
	offer_b BIGINT NOT NULL, 
	verdict TEXT NOT NULL, 
	note TEXT, 
	decided_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (offer_a, offer_b), 
	CHECK (offer_a < offer_b), 
	CHECK (verdict IN ('same', 'different')), 
	FOREIGN KEY(offer_a) REFERENCES offer (id) ON DELETE CASCADE, 
	FOREIGN KEY(offer_b) REFERENCES offer (id) ON DELETE CASCADE
);

CREATE INDEX match_decision_offer_b_idx ON match_decision (offer_b);

COMMENT ON TABLE match_decision IS 'What a person decided of two offers; no rule overrules it';

CREATE TABLE offer_match (
	offer_id BIGINT NOT NULL, 
	with_offer_id BIGINT, 
	method TEXT NOT NULL, 
	score REAL, 
	detail JSONB DEFAULT '{}'::jsonb NOT NULL, 
	matched_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	PRIMARY KEY (offer_id), 
	CHECK (method IN ('gtin', 'style_code', 'words', 'pictures', 'person')), 
	FOREIGN KEY(offer_id) REFERENCES offer (id) ON DELETE CASCADE, 
	FOREIGN KEY(with_offer_id) REFERENCES offer (id) ON DELETE SET NULL
);

CREATE INDEX offer_match_with_offer_id_idx ON offer_match (with_offer_id);

COMMENT ON TABLE offer_match IS 'Why an offer stands under a product that another offer made: the evidence';

-- Rates into one currency from each source's newest day: one row a currency, the wanted one first
-- with rate 1 and no day. Two sources that both know a pair: the newer day counts, then the name.
--     SELECT o.price * r.rate, r.day FROM offer AS o JOIN fx_to('EUR') AS r USING (currency);
CREATE OR REPLACE FUNCTION fx_to(want_currency text)
RETURNS TABLE (currency text, rate numeric, day date, source text)
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT want_currency, 1::numeric, NULL::date, NULL::text
    WHERE want_currency IS NOT NULL
    UNION ALL
    (SELECT DISTINCT ON (f.currency) f.currency, f.rate / t.rate, f.day, f.source
     FROM fx_rate AS t
     JOIN fx_rate AS f ON f.source = t.source AND f.day = t.day
     WHERE t.currency = want_currency
       AND f.currency <> want_currency
       AND t.day = (SELECT max(m.day) FROM fx_rate AS m WHERE m.source = t.source)
     ORDER BY f.currency, f.day DESC, f.source)
$$;

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
