-- name: etl_claim_images
-- Pictures after a place in the table that have no embedding under the encoder, locked for this
-- worker; others skip them. A picture that failed too often, or in this
-- worker's run already, is left alone.
SELECT i.id, i.path
FROM image AS i
WHERE i.id > %(after)s
  AND i.id <> ALL (%(failed)s::bigint[])
  AND NOT EXISTS (
      SELECT FROM embedding AS e WHERE e.encoder_id = %(encoder_id)s AND e.image_id = i.id
        AND e.image_id > %(after)s)
  AND NOT EXISTS (
      SELECT FROM embedding_failure AS f
      WHERE f.encoder_id = %(encoder_id)s AND f.image_id = i.id
        AND f.image_id > %(after)s AND f.tries >= %(max_tries)s)
ORDER BY i.id
LIMIT %(batch)s
FOR NO KEY UPDATE OF i SKIP LOCKED;

-- name: etl_insert_embeddings
-- Vectors of claimed pictures.
INSERT INTO embedding (encoder_id, image_id, vec)
SELECT %(encoder_id)s, u.image_id, u.vec
FROM unnest(%(image_ids)s::bigint[], %(vectors)s::halfvec[]) AS u (image_id, vec)
ON CONFLICT DO NOTHING;

-- name: etl_put_embedding_failures
-- Pictures that could not be embedded, with how often that was tried.
INSERT INTO embedding_failure AS f (encoder_id, image_id, error)
SELECT %(encoder_id)s, r.image_id, r.error
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (image_id bigint, error text)
ON CONFLICT (encoder_id, image_id)
DO UPDATE SET error = excluded.error, tries = f.tries + 1, failed_at = now();

-- name: etl_listen_images
-- Hear of new pictures.
LISTEN solemate_new_image;

-- name: etl_begin_claim
-- Settings of a claim's transaction. A short lock_timeout while the worker holds another claim: a new
-- encoder's partition needs the table for itself, and waiting here would keep the first claim open
-- for ever. No waiting for the disk: a vector lost with a crashed server is made again.
SELECT set_config('lock_timeout', %(milliseconds)s::text, true),
       set_config('synchronous_commit', 'off', true);

-- name: etl_lock_embedding
-- The lock that writing the vectors will need, taken with the claim: asked for later it would queue
-- behind whoever waits for this very claim to end.
LOCK TABLE embedding IN ROW EXCLUSIVE MODE;
