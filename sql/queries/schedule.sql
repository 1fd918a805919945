-- name: schedule_last_success
-- When each source last ran to its end: what the scheduler has to catch up on after downtime.
SELECT source, max(started_at) AS started_at
FROM etl_run
WHERE state = 'done' AND complete
GROUP BY source;

-- name: schedule_forget_searches
-- Stored searches serve their next pages and no longer: the query vectors are of users' pictures.
DELETE FROM search_event
WHERE created_at < now() - make_interval(days => %(days)s);
