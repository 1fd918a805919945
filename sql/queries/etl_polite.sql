-- name: etl_take_turn
-- The next free turn to ask a host, taken in one statement: two processes never get the same one.
-- Returns the seconds to wait for it. The row lock lasts for this one statement's transaction.
INSERT INTO host_turn AS h (host, next_at)
VALUES (%(host)s, clock_timestamp() + make_interval(secs => %(delay_s)s))
ON CONFLICT (host)
DO UPDATE SET next_at = greatest(h.next_at, clock_timestamp())
                        + make_interval(secs => %(delay_s)s)
RETURNING extract(epoch FROM next_at - make_interval(secs => %(delay_s)s) - clock_timestamp());

-- name: etl_hold_host
-- A host that asks for a pause (Retry-After) gets it from every process.
INSERT INTO host_turn AS h (host, next_at)
VALUES (%(host)s, clock_timestamp() + make_interval(secs => %(seconds)s))
ON CONFLICT (host)
DO UPDATE SET next_at = greatest(h.next_at, excluded.next_at);

-- name: etl_circuit
-- Whether a shop is left alone: its state, and how long still in seconds.
SELECT c.state, c.failures, coalesce(extract(epoch FROM c.retry_at - clock_timestamp()), 0), c.reason
FROM shop_circuit AS c
WHERE c.shop_id = %(shop_id)s;

-- name: etl_probe_circuit
-- An open circuit whose time has come lets one run through; a second asker gets no row.
UPDATE shop_circuit
SET state = 'half_open', changed_at = now()
WHERE shop_id = %(shop_id)s
  AND (state = 'half_open' OR (state = 'open' AND retry_at <= clock_timestamp()))
RETURNING failures;

-- name: etl_open_circuit
-- A shop in trouble is left alone: `wait_s` seconds the first time, twice as long each time it
-- fails again, no longer than `longest_s`.
INSERT INTO shop_circuit AS c (shop_id, state, failures, retry_at, reason)
VALUES (%(shop_id)s, 'open', 1, clock_timestamp() + make_interval(secs => %(wait_s)s), %(reason)s)
ON CONFLICT (shop_id)
DO UPDATE SET state = 'open', failures = c.failures + 1, reason = excluded.reason,
              changed_at = now(),
              retry_at = clock_timestamp() + make_interval(secs => least(
                  %(longest_s)s::float8, %(wait_s)s::float8 * 2 ^ least(c.failures, 20)))
RETURNING retry_at;

-- name: etl_close_circuit
-- The shop answers again.
UPDATE shop_circuit
SET state = 'closed', failures = 0, retry_at = NULL, reason = NULL, changed_at = now()
WHERE shop_id = %(shop_id)s AND state <> 'closed';
