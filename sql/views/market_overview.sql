-- By brand and currency: how much is on sale and for what.
CREATE OR REPLACE VIEW market_overview AS
SELECT brand,
       currency,
       count(DISTINCT product_id) AS products,
       count(*) AS offers,
       count(DISTINCT shop) AS shops,
       min(price) AS price_min,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY price)::numeric(12, 2) AS price_median,
       max(price) AS price_max,
       round(avg(discount_percent), 1) AS mean_discount_percent
FROM on_sale
GROUP BY brand, currency;
