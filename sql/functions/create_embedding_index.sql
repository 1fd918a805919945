-- Builds the HNSW index of one encoder's partition where it is missing; returns its name.
-- The indexed expression and operator are the ones the searches repeat: halfvec(D), cosine distance.
-- m 16 and ef_construction 128: twice pgvector's default of 64 when building, for recall (Malkov and
-- Yashunin 2018, section 4.1); the build stays within a minute at 200,000 vectors.
CREATE OR REPLACE FUNCTION create_embedding_index(for_encoder smallint)
RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
    partition_name text := format('embedding_e%s', for_encoder);
    index_name text := format('embedding_e%s_hnsw', for_encoder);
    dimension smallint;
BEGIN
    SELECT e.dim INTO STRICT dimension FROM encoder AS e WHERE e.id = for_encoder;
    EXECUTE format(
        'CREATE INDEX IF NOT EXISTS %I ON %I USING hnsw ((vec::halfvec(%s)) halfvec_cosine_ops) '
        'WITH (m = 16, ef_construction = 128)',
        index_name, partition_name, dimension);
    RETURN index_name;
END
$$;
