-- name: bot_inbox_keep
-- Keeps updates before Telegram hears that they came; returns the ids of those that are new.
INSERT INTO bot_update (update_id, user_id, payload)
SELECT (u.update ->> 'update_id')::bigint, (u.update ->> 'user_id')::bigint, u.update -> 'payload'
FROM jsonb_array_elements(%(updates)s::jsonb) WITH ORDINALITY AS u (update, place)
ORDER BY u.place
ON CONFLICT (update_id) DO NOTHING
RETURNING update_id;

-- name: bot_inbox_unfinished
-- What an earlier process left, in the order it came.
SELECT update_id, payload
FROM bot_update
WHERE finished_at IS NULL AND payload IS NOT NULL
ORDER BY update_id;

-- name: bot_inbox_begin
-- Notes that handling begins; returns which attempt it is, and what earlier ones have said.
-- No row: already finished.
UPDATE bot_update SET attempts = attempts + 1
WHERE update_id = %(update_id)s AND finished_at IS NULL
RETURNING attempts, coalesce(said, '[]'::jsonb);

-- name: bot_inbox_say
-- A message that Telegram has taken for an update, with what it answered.
UPDATE bot_update
SET said = coalesce(said, '[]'::jsonb) || jsonb_build_array(%(saying)s::jsonb)
WHERE update_id = %(update_id)s AND finished_at IS NULL;

-- name: bot_inbox_finish
-- Updates that need no more handling keep their ids and lose their content. The newest message of
-- the user's chat is noted with them: above it, in that chat, nothing of the bot's can be.
WITH finished AS (
    UPDATE bot_update
    SET finished_at = now(), outcome = %(outcome)s, payload = NULL, said = NULL
    WHERE update_id = ANY (%(update_ids)s::bigint[]) AND finished_at IS NULL
)
INSERT INTO bot_contact AS c (user_id, last_message_id)
SELECT u.user_id, %(last_message_id)s::bigint
FROM bot_user AS u
WHERE u.user_id = %(user_id)s::bigint AND %(last_message_id)s::bigint IS NOT NULL
ON CONFLICT (user_id) DO UPDATE
SET last_message_id = greatest(c.last_message_id, excluded.last_message_id);

-- name: bot_inbox_doubt
-- A chat whose newest message is not known: an update was handled before a crash, and again
-- without a message.
UPDATE bot_contact SET last_message_id = NULL WHERE user_id = %(user_id)s;

-- name: bot_inbox_prune
-- Telegram keeps updates for a day: ids older than three will not come again.
DELETE FROM bot_update WHERE finished_at < now() - interval '3 days';
