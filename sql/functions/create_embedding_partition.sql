-- Makes the partition of `embedding` that holds one encoder's vectors, with that encoder's own
-- dimension as a check. The HNSW index follows once vectors are in (create_embedding_index):
-- building it over rows is several times cheaper than keeping it while they arrive.
CREATE OR REPLACE FUNCTION create_embedding_partition(for_encoder smallint)
RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
    partition_name text := format('embedding_e%s', for_encoder);
    dimension smallint;
BEGIN
    -- Known already: no statement below, since each would lock the table against all workers.
    IF to_regclass(partition_name) IS NOT NULL THEN
        RETURN partition_name;
    END IF;
    SELECT e.dim INTO STRICT dimension FROM encoder AS e WHERE e.id = for_encoder;
    EXECUTE format(
        'CREATE TABLE %I PARTITION OF embedding '
        '(CONSTRAINT %I CHECK (vector_dims(vec) = %s)) FOR VALUES IN (%s)',
        partition_name, partition_name || '_dim', dimension, for_encoder);
    -- Vectors do not compress: keep them in the row, where a scan reads them without a detour.
    EXECUTE format('ALTER TABLE %I ALTER COLUMN vec SET STORAGE PLAIN', partition_name);
    RETURN partition_name;
END
$$;
