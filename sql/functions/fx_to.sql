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
