-- name: encoder_register
-- Registers an encoder, or finds it where name, revision and checksum are already known.
-- The thresholds follow the model folder's manifest.
INSERT INTO encoder (name, revision, dim, sha256, same_threshold, similar_threshold)
VALUES (%(name)s, %(revision)s, %(dim)s, %(sha256)s, %(same)s, %(similar)s)
ON CONFLICT (name, revision, sha256)
DO UPDATE SET same_threshold = excluded.same_threshold,
              similar_threshold = excluded.similar_threshold
RETURNING id, name, revision, dim, sha256, status, same_threshold, similar_threshold;

-- name: encoder_active
-- The active encoder, if any.
SELECT id, name, revision, dim, sha256, status, same_threshold, similar_threshold
FROM encoder
WHERE status = 'active';

-- name: encoder_list
-- All encoders with how many embeddings each has, newest first.
SELECT n.id, n.name, n.revision, n.dim, n.status, n.same_threshold, n.similar_threshold,
       n.created_at, n.activated_at,
       (SELECT count(*) FROM embedding AS e WHERE e.encoder_id = n.id) AS embeddings
FROM encoder AS n
ORDER BY n.id DESC;

-- name: encoder_lock
-- One process at a time makes partitions, indexes or changes what is active.
SELECT pg_advisory_xact_lock(hashtext('solemate encoder'));

-- name: encoder_create_partition
-- Makes the encoder's partition of `embedding` where it is missing.
SELECT create_embedding_partition(%(encoder_id)s::smallint);

-- name: encoder_create_index
-- Builds the encoder's HNSW index where it is missing.
SELECT create_embedding_index(%(encoder_id)s::smallint);

-- name: encoder_has_index
-- Whether the encoder's HNSW index stands and is valid.
SELECT EXISTS (
    SELECT
    FROM pg_index AS i
    WHERE i.indexrelid = to_regclass('embedding_e' || %(encoder_id)s::text || '_hnsw')
      AND i.indisvalid);

-- name: encoder_retire_active
-- First half of a switch: whatever is active is retired (its vectors stay).
UPDATE encoder SET status = 'retired' WHERE status = 'active' AND id <> %(encoder_id)s;

-- name: encoder_activate
-- Second half of a switch.
UPDATE encoder SET status = 'active', activated_at = now()
WHERE id = %(encoder_id)s AND status <> 'active';

-- name: encoder_backlog
-- How many pictures have no embedding under the encoder, and how many of these failed before.
SELECT count(*) AS missing,
       count(*) FILTER (WHERE f.image_id IS NOT NULL) AS failed
FROM image AS i
LEFT JOIN embedding_failure AS f ON f.encoder_id = %(encoder_id)s AND f.image_id = i.id
WHERE NOT EXISTS (
    SELECT FROM embedding AS e WHERE e.encoder_id = %(encoder_id)s AND e.image_id = i.id);

-- name: encoder_embedding_count
-- How many vectors the encoder has.
SELECT count(*) FROM embedding WHERE encoder_id = %(encoder_id)s;
