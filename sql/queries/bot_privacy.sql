-- name: bot_history
-- A user's searches, newest first.
SELECT id, kind, verdict, hits, created_at
FROM search_event
WHERE user_key = 'tg:' || %(user_id)s::bigint
ORDER BY id DESC
LIMIT %(limit)s;

-- name: bot_holdings
-- How many rows of each kind are kept of a user.
SELECT (SELECT count(*) FROM search_event WHERE user_key = 'tg:' || %(user_id)s::bigint)
           AS searches,
       (SELECT count(*) FROM bot_saved WHERE user_id = %(user_id)s) AS saved,
       (SELECT count(*) FROM bot_alert WHERE user_id = %(user_id)s) AS alerts,
       (SELECT count(*) FROM bot_outbox WHERE user_id = %(user_id)s) AS messages,
       (SELECT count(*) FROM bot_feedback WHERE user_id = %(user_id)s) AS feedback,
       (SELECT count(*) FROM bot_user WHERE user_id = %(user_id)s) AS settings;

-- name: bot_forget_searches
-- The user's searches.
DELETE FROM search_event WHERE user_key = 'tg:' || %(user_id)s::bigint;

-- name: bot_forget_updates
-- Updates keep the id by which a repetition is known again, not whose they were. What waits behind
-- the request is part of it.
UPDATE bot_update
SET user_id = NULL, payload = NULL, said = NULL, finished_at = coalesce(finished_at, now()),
    outcome = coalesce(outcome, 'done')
WHERE user_id = %(user_id)s;

-- name: bot_forget_user
-- The user, and with the row everything that hangs on it.
DELETE FROM bot_user WHERE user_id = %(user_id)s;

-- name: bot_feedback_put
-- What a user says of a result; the last word counts. No row: the search is not kept any more.
INSERT INTO bot_feedback AS f (user_id, search_id, search_kind, encoder_id, query, filters,
                               image_id, rank, verdict)
SELECT %(user_id)s, e.id, e.kind, e.encoder_id, e.query, e.filters, %(image_id)s, %(rank)s,
       %(verdict)s
FROM search_event AS e
WHERE e.id = %(search_id)s
ON CONFLICT (user_id, search_id, image_id) DO UPDATE
SET verdict = excluded.verdict, rank = excluded.rank, created_at = now()
RETURNING f.id;
