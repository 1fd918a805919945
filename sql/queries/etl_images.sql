-- name: etl_known_sources
-- What is known of a chunk's picture sources, and whether a broken one may be tried again now.
SELECT s.source, s.image_id, s.size_bytes, s.mtime_ns, s.error,
       coalesce(s.retry_at <= now(), true) AS due
FROM image_source AS s
WHERE s.source = ANY (%(sources)s::text[]);

-- name: etl_insert_images
-- Pictures by content; known ones stay as they are.
INSERT INTO image (sha256, phash, width, height, size_bytes, format, path)
SELECT decode(r.sha256, 'hex'), r.phash::bigint::bit(64), r.width, r.height, r.size_bytes, r.format, r.path
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (
    sha256 text, phash text, width integer, height integer, size_bytes integer, format text, path text)
ON CONFLICT (sha256) DO NOTHING;

-- name: etl_image_ids
-- Ids of pictures by content.
SELECT encode(i.sha256, 'hex'), i.id
FROM image AS i
WHERE i.sha256 = ANY (%(digests)s::bytea[]);

-- name: etl_put_sources
-- Where pictures came from; a failed reading keeps the picture read before. The first failure may be
-- tried again at once, later ones after an hour, two, four, up to a week.
INSERT INTO image_source AS s (source, image_id, etag, last_modified, size_bytes, mtime_ns, error,
                               tries)
SELECT r.source, r.image_id, r.etag, r.last_modified, r.size_bytes, r.mtime_ns, r.error,
       CASE WHEN r.error IS NULL THEN 0 ELSE 1 END
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (
    source text, image_id bigint, etag text, last_modified text, size_bytes bigint, mtime_ns bigint,
    error text)
ON CONFLICT (source)
DO UPDATE SET image_id = coalesce(excluded.image_id, s.image_id), etag = excluded.etag,
              last_modified = excluded.last_modified, size_bytes = excluded.size_bytes,
              mtime_ns = excluded.mtime_ns, error = excluded.error, checked_at = now(),
              tries = CASE WHEN excluded.error IS NULL THEN 0 ELSE least(s.tries + 1, 100) END,
              retry_at = CASE WHEN excluded.error IS NULL THEN NULL
                              ELSE now() + make_interval(hours => least(
                                  168, 2 ^ least(s.tries - 1, 10))::integer) END;
