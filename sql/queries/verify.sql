-- name: search_vectors_of_images
-- Embeddings of the pictures a search found, for the verifier to compare with the query.
SELECT image_id, vec
FROM embedding
WHERE encoder_id = %(encoder_id)s AND image_id = ANY(%(image_ids)s::bigint[]);
