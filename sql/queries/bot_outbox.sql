-- name: bot_outbox_due
-- Users with a message that may go now: not blocked, not in their quiet hours, the alert still on.
-- One a user, the oldest; rows that an earlier attempt left open keep the user waiting until they
-- are settled.
SELECT DISTINCT ON (x.user_id) x.id, x.user_id
FROM bot_outbox AS x
JOIN bot_alert AS a ON a.id = x.alert_id AND a.active
LEFT JOIN bot_contact AS c ON c.user_id = x.user_id
LEFT JOIN bot_user AS u ON u.user_id = x.user_id
CROSS JOIN LATERAL (
    SELECT (now() AT TIME ZONE coalesce(
        c.timezone, CASE coalesce(u.language, c.language) WHEN 'en' THEN 'UTC'
                                                          ELSE 'Europe/Moscow' END))::time AS clock
) AS local
WHERE x.state = 'pending'
  AND x.not_before <= now()
  AND c.blocked_at IS NULL
  AND NOT (coalesce(c.quiet, true)
           AND CASE WHEN coalesce(c.quiet_from, '22:00') < coalesce(c.quiet_to, '09:00')
                    THEN local.clock >= c.quiet_from AND local.clock < c.quiet_to
                    ELSE local.clock >= coalesce(c.quiet_from, '22:00')
                         OR local.clock < coalesce(c.quiet_to, '09:00') END)
  AND NOT EXISTS (SELECT FROM bot_outbox AS open
                  WHERE open.user_id = x.user_id AND open.state = 'sending')
ORDER BY x.user_id, x.id;

-- name: bot_outbox_claim
-- Takes a row for one attempt; `mark` is the newest message id known in any private chat, `markup`
-- the buttons that will be sent. No row: another process took it, or it is no longer wanted.
UPDATE bot_outbox AS x
SET state = 'sending', claimed_at = now(), attempts = attempts + 1, markup = %(markup)s,
    mark = greatest(%(mark)s::bigint, coalesce((
        SELECT max(last_message_id) FROM bot_contact), 0))
WHERE x.id = %(id)s AND x.state = 'pending'
  AND EXISTS (SELECT FROM bot_alert AS a WHERE a.id = x.alert_id AND a.active)
RETURNING x.id, x.user_id, x.mark, x.markup, 0.0::float AS age_s,
          (SELECT last_message_id FROM bot_contact AS c WHERE c.user_id = x.user_id) IS NULL
              AS doubtful;

-- name: bot_outbox_sent
-- The message is in the chat, as `message_id`.
WITH sent AS (
    UPDATE bot_outbox
    SET state = 'sent', message_id = %(message_id)s, settled_at = now(), error = NULL
    WHERE id = %(id)s AND state = 'sending'
    RETURNING user_id, message_id
)
INSERT INTO bot_contact AS c (user_id, last_message_id)
SELECT user_id, message_id FROM sent
ON CONFLICT (user_id) DO UPDATE
SET last_message_id = greatest(c.last_message_id, excluded.last_message_id);

-- name: bot_outbox_again
-- Certainly not delivered: it may be tried again after `wait_s` seconds.
UPDATE bot_outbox
SET state = 'pending', not_before = now() + %(wait_s)s * interval '1 second', error = %(error)s
WHERE id = %(id)s AND state = 'sending';

-- name: bot_outbox_close
-- No further attempt: 'dropped' (not wanted, not possible) or 'unknown' (maybe delivered).
UPDATE bot_outbox
SET state = %(state)s, settled_at = now(), error = %(error)s
WHERE id = %(id)s AND state IN ('pending', 'sending');

-- name: bot_outbox_open
-- Attempts whose end nobody recorded: the process died. Doubtful: the newest message of the chat is
-- not known, so another of the bot's may lie above the mark.
SELECT x.id, x.user_id, x.mark, x.markup, c.last_message_id IS NULL AS doubtful,
       extract(epoch FROM now() - x.claimed_at)::float AS age_s
FROM bot_outbox AS x
LEFT JOIN bot_contact AS c ON c.user_id = x.user_id
WHERE x.state = 'sending'
ORDER BY x.id;

-- name: bot_outbox_read
-- What a row is about, and which language its user speaks (NULL: never said).
SELECT x.id, x.user_id, x.alert_id, x.key, x.payload, x.attempts,
       coalesce(u.language, c.language) AS language
FROM bot_outbox AS x
JOIN bot_user AS u ON u.user_id = x.user_id
LEFT JOIN bot_contact AS c ON c.user_id = x.user_id
WHERE x.id = %(id)s;

-- name: bot_outbox_prune
-- What was settled a month ago.
DELETE FROM bot_outbox WHERE settled_at < now() - interval '30 days';
