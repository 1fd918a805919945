-- What was derived from words that changed is derived anew (product.colours NULL is the queue).
CREATE OR REPLACE FUNCTION forget_traits() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    NEW.colours := NULL;
    NEW.types := NULL;
    NEW.colours_seen := false;
    RETURN NEW;
END
$$;
