-- name: fx_put_rates
-- Rates of a day; a later reading of the same day corrects them.
INSERT INTO fx_rate AS r (source, day, currency, base, rate)
SELECT %(source)s, %(day)s, n.currency, %(base)s, n.rate
FROM jsonb_to_recordset(%(rows)s::jsonb) AS n (currency text, rate numeric)
ON CONFLICT (source, day, currency)
DO UPDATE SET rate = excluded.rate, base = excluded.base WHERE r.rate <> excluded.rate;

-- name: fx_to
-- What one unit of each currency costs in another, by the newest official rates.
SELECT currency, rate, day, source FROM fx_to(%(currency)s::text);
