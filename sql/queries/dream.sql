-- name: dream_open
-- Begins a session for a user, in place of the open one, which is closed and keeps its steps. A
-- Telegram user's row is made sure of first, since the session goes with it on /forget.
WITH known AS (
    INSERT INTO bot_user (user_id, created_at, last_seen_at)
    SELECT %(user_id)s::bigint, now(), now()
    WHERE %(user_id)s::bigint IS NOT NULL
    ON CONFLICT (user_id) DO NOTHING
),
closed AS (
    UPDATE dream_session SET state = 'closed', updated_at = now()
    WHERE user_key = %(user_key)s AND state = 'open'
    RETURNING id
)
SELECT count(*) FROM closed;

-- name: dream_begin
-- The new session's id.
INSERT INTO dream_session (user_id, user_key) VALUES (%(user_id)s, %(user_key)s) RETURNING id;

-- name: dream_of_user
-- A user's open session; with `within` only one that was touched so lately: words said the next day
-- are not about it.
SELECT id, position, search_id
FROM dream_session
WHERE user_key = %(user_key)s AND state = 'open'
  AND (%(within)s::interval IS NULL OR updated_at > now() - %(within)s::interval);

-- name: dream_image
-- Where the file of a catalogue picture lies, within the image store.
SELECT path FROM image WHERE id = %(image_id)s;

-- name: dream_by_id
-- A session of a user, open or not, so that old buttons answer.
SELECT id, position, search_id, state FROM dream_session
WHERE id = %(session_id)s AND user_key = %(user_key)s;

-- name: dream_lock
-- Holds a session for the transaction: its steps are numbered one after another.
SELECT position FROM dream_session WHERE id = %(session_id)s FOR UPDATE;

-- name: dream_add_step
-- Keeps a picture as the newest step, changed from `parent`, and moves the session to it.
WITH added AS (
    INSERT INTO dream_step (session_id, number, parent, asked, design, extra, prompt, seed,
                            generator, picture)
    SELECT %(session_id)s,
           (SELECT coalesce(max(number), 0) + 1 FROM dream_step WHERE session_id = %(session_id)s),
           %(parent)s, %(asked)s, %(design)s, %(extra)s::text[], %(prompt)s, %(seed)s,
           %(generator)s, %(picture)s
    RETURNING number
)
UPDATE dream_session SET position = added.number, updated_at = now()
FROM added
WHERE id = %(session_id)s
RETURNING added.number;

-- name: dream_step
-- One step, with its picture.
SELECT number, parent, asked, design, extra, prompt, seed, generator, picture
FROM dream_step
WHERE session_id = %(session_id)s AND number = %(number)s;

-- name: dream_steps
-- The steps that lead to the given one, oldest first, without pictures.
WITH RECURSIVE way AS (
    SELECT number, parent, asked FROM dream_step
    WHERE session_id = %(session_id)s AND number = %(number)s
    UNION ALL
    SELECT s.number, s.parent, s.asked
    FROM way JOIN dream_step AS s ON s.session_id = %(session_id)s AND s.number = way.parent
)
SELECT number, asked FROM way ORDER BY number;

-- name: dream_move
-- Goes to another step of the session; closed or not, it is the user's open one from now on.
WITH others AS (
    UPDATE dream_session SET state = 'closed', updated_at = now()
    WHERE user_key = %(user_key)s AND state = 'open' AND id <> %(session_id)s
)
SELECT EXISTS (
    SELECT FROM dream_step WHERE session_id = %(session_id)s AND number = %(number)s);

-- name: dream_moved
-- The second half of dream_move: one open session a user is a unique index.
UPDATE dream_session SET position = %(number)s, state = 'open', updated_at = now()
WHERE id = %(session_id)s AND user_key = %(user_key)s;

-- name: dream_searched
-- Remembers the search made from a session.
UPDATE dream_session SET search_id = %(search_id)s, updated_at = now() WHERE id = %(session_id)s;

-- name: dream_close
-- Ends a user's open session; its steps stay until /forget.
UPDATE dream_session SET state = 'closed', updated_at = now()
WHERE user_key = %(user_key)s AND state = 'open'
RETURNING id;

-- name: dream_forget
-- All of a user's sessions with their pictures: for those who are no Telegram users. Of a Telegram
-- user they go with the row in bot_user.
DELETE FROM dream_session WHERE user_key = %(user_key)s;

-- name: dream_spend_reserve
-- Takes the cost of a picture from a user's share of today; no row where it is not left. Rows of
-- past days go on the way.
WITH past AS (
    DELETE FROM dream_spend WHERE day < (now() AT TIME ZONE 'UTC')::date - 1
)
INSERT INTO dream_spend AS spent (user_key, day, pictures, cost)
SELECT %(user_key)s, (now() AT TIME ZONE 'UTC')::date, 1, %(cost)s::numeric
WHERE %(cost)s::numeric <= %(limit)s::numeric
ON CONFLICT (user_key, day) DO UPDATE
SET pictures = spent.pictures + 1, cost = spent.cost + excluded.cost
WHERE spent.cost + excluded.cost <= %(limit)s::numeric
RETURNING cost;

-- name: dream_spend_return
-- Gives a reservation back that bought nothing.
UPDATE dream_spend
SET pictures = greatest(pictures - 1, 0), cost = greatest(cost - %(cost)s::numeric, 0)
WHERE user_key = %(user_key)s AND day >= (now() AT TIME ZONE 'UTC')::date - 1
  AND day = (SELECT max(day) FROM dream_spend WHERE user_key = %(user_key)s);

-- name: dream_examples
-- Vectors, under an encoder, of up to `limit` of the catalogue's shoes whose main colour or type is
-- known, with both: the first picture of each product, products in an order of no meaning.
WITH known AS (
    SELECT id, colours, types
    FROM product
    WHERE colours <> '{}' OR types <> '{}'
    ORDER BY hashint8(id)
    LIMIT %(limit)s
)
SELECT DISTINCT ON (p.id) p.colours[1] AS colour, coalesce(p.types, '{}') AS types, e.vec
FROM known AS p
JOIN offer AS o ON o.product_id = p.id
JOIN offer_image AS oi ON oi.offer_id = o.id
JOIN embedding AS e ON e.encoder_id = %(encoder_id)s AND e.image_id = oi.image_id
ORDER BY p.id, oi.position, oi.image_id;

-- name: dream_shoes_of_colour
-- Whether at least `least` products have a main colour: few enough and a search limited to it would
-- be a search of nothing.
SELECT count(*) >= %(least)s
FROM (SELECT FROM product WHERE colours[1] = %(colour)s LIMIT %(least)s) AS found;
