-- name: bot_health
-- How things are, for /admin.
SELECT current_setting('server_version') AS server,
       pg_database_size(current_database()) AS bytes,
       (SELECT name || ' ' || revision FROM encoder WHERE status = 'active') AS encoder,
       (SELECT count(*) FROM product) AS products,
       (SELECT count(*) FROM offer WHERE availability <> 'out_of_stock') AS offers,
       (SELECT count(*) FROM image) AS images,
       (SELECT count(*) FROM image AS i WHERE NOT EXISTS (
            SELECT FROM embedding AS v JOIN encoder AS e ON e.id = v.encoder_id
            WHERE e.status = 'active' AND v.image_id = i.id)) AS images_waiting,
       (SELECT count(*) FROM bot_update WHERE finished_at IS NULL) AS inbox,
       (SELECT count(*) FROM bot_outbox WHERE state = 'pending') AS outbox,
       (SELECT count(*) FROM bot_outbox WHERE state = 'sending') AS outbox_open,
       (SELECT count(*) FROM bot_outbox WHERE state = 'unknown') AS outbox_unknown,
       (SELECT count(*) FROM bot_user) AS users,
       (SELECT count(*) FROM bot_contact WHERE blocked_at IS NOT NULL) AS blocked,
       (SELECT count(*) FROM bot_alert WHERE active) AS alerts,
       (SELECT count(*) FROM bot_error WHERE created_at > now() - interval '1 day') AS errors;

-- name: bot_health_runs
-- The last runs.
SELECT kind, source, state, offers_new, offers_changed, failed, started_at, finished_at
FROM etl_run ORDER BY started_at DESC LIMIT %(limit)s;

-- name: bot_error_note
-- Notes a failure.
INSERT INTO bot_error (code, kind, place, message)
VALUES (%(code)s, %(kind)s, %(place)s, %(message)s);

-- name: bot_error_list
-- The last failures.
SELECT code, kind, place, message, created_at FROM bot_error ORDER BY id DESC LIMIT %(limit)s;

-- name: bot_error_prune
-- Failures of more than a month ago.
DELETE FROM bot_error WHERE created_at < now() - interval '30 days';
