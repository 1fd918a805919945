-- name: etl_try_lock
-- One run of a source at a time; the lock goes with the connection, so a killed run leaves none.
SELECT pg_try_advisory_lock(hashtext('solemate etl'), hashtext(%(source)s));

-- name: etl_clock
-- The server's time, outside any transaction's.
SELECT clock_timestamp();

-- name: etl_done_since
-- Whether a run of the source was done at some time since.
SELECT 1 FROM etl_run
WHERE source = %(source)s AND state = 'done' AND finished_at >= %(since)s LIMIT 1;

-- name: etl_last_success
-- When the last complete run of a source began.
SELECT max(started_at) FROM etl_run WHERE source = %(source)s AND state = 'done' AND complete;

-- name: etl_interrupt_runs
-- Runs of the source still marked running are dead: the caller holds the source's lock.
UPDATE etl_run
SET state = 'interrupted', finished_at = now(), message = 'the process ended before the run did'
WHERE source = %(source)s AND state = 'running';

-- name: etl_start_run
-- Begins a run's record.
INSERT INTO etl_run (kind, source, shop_id, pass_started_at)
VALUES (%(kind)s, %(source)s, %(shop_id)s, coalesce(%(pass_started_at)s, now()))
RETURNING id, started_at, pass_started_at;

-- name: etl_open_pass
-- Where the last run of a source was interrupted not long ago: since when its pass has been going.
SELECT last.pass_started_at
FROM (SELECT state, pass_started_at
      FROM etl_run WHERE source = %(source)s
      ORDER BY id DESC LIMIT 1) AS last
WHERE last.state = 'interrupted'
  AND last.pass_started_at > now() - make_interval(secs => %(longest_s)s);

-- name: etl_count_run
-- Counts so far, written with each chunk so that a killed run's record tells how far it came.
UPDATE etl_run
SET rows_seen = %(rows_seen)s, offers_new = %(offers_new)s, offers_changed = %(offers_changed)s,
    offers_unchanged = %(offers_unchanged)s, offers_gone = %(offers_gone)s,
    images_new = %(images_new)s, failed = %(failed)s
WHERE id = %(run_id)s;

-- name: etl_finish_run
-- Ends a run's record, and announces it with the commit: who listens on `solemate_run_finished` gets
-- the run's id and finds its counts and offers in the tables.
WITH ended AS (
    UPDATE etl_run
    SET state = %(state)s, complete = %(complete)s, message = %(message)s, finished_at = now()
    WHERE id = %(run_id)s
    RETURNING id)
SELECT pg_notify('solemate_run_finished', id::text) FROM ended;

-- name: etl_insert_errors
-- What went wrong with single rows, pages or pictures.
INSERT INTO etl_error (run_id, item, code, message)
SELECT %(run_id)s, r.item, r.code, r.message
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (item text, code text, message text);

-- name: etl_page_validators
-- What to send with conditional requests for a shop's pages: of those that show offers, or whose
-- first address does; for of the others "unchanged" would say nothing.
SELECT f.url, f.etag, f.last_modified, f.same_as
FROM fetched_page AS f
WHERE f.shop_id = %(shop_id)s
  AND EXISTS (SELECT FROM offer AS o
              WHERE o.shop_id = f.shop_id AND o.page_url = coalesce(f.same_as, f.url));

-- name: etl_put_page
-- Validators of a page whose offers are in the catalogue; written only where they changed.
INSERT INTO fetched_page AS f (shop_id, url, etag, last_modified, same_as)
VALUES (%(shop_id)s, %(url)s, %(etag)s, %(last_modified)s, %(same_as)s)
ON CONFLICT (shop_id, url)
DO UPDATE SET etag = excluded.etag, last_modified = excluded.last_modified,
              same_as = excluded.same_as, fetched_at = now()
WHERE (f.etag, f.last_modified, f.same_as)
      IS DISTINCT FROM (excluded.etag, excluded.last_modified, excluded.same_as);

-- name: etl_forget_page
-- A page whose offers could not be taken over whole is asked for again in full.
DELETE FROM fetched_page WHERE shop_id = %(shop_id)s AND url = %(url)s;
