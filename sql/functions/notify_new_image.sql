-- Wakes embed workers that wait for new pictures (solemate etl embed --watch).
CREATE OR REPLACE FUNCTION notify_new_image() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM pg_notify('solemate_new_image', '');
    RETURN NULL;
END
$$;
