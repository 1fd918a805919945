-- name: bot_user_visit
-- Notes that a user is here and returns the language chosen with /language, NULL where none was.
INSERT INTO bot_user AS known (user_id, created_at, last_seen_at)
VALUES (%(user_id)s, now(), now())
ON CONFLICT (user_id) DO UPDATE SET last_seen_at = excluded.last_seen_at
RETURNING known.language;

-- name: bot_user_set_language
-- Remembers the language a user chose.
INSERT INTO bot_user (user_id, language, created_at, last_seen_at)
VALUES (%(user_id)s, %(language)s, now(), now())
ON CONFLICT (user_id) DO UPDATE
SET language = excluded.language, last_seen_at = excluded.last_seen_at;
