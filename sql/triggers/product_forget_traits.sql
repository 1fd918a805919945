-- A product whose stated words changed is of other colours and types, maybe.
CREATE OR REPLACE TRIGGER product_forget_traits
    BEFORE UPDATE OF colourway, model, category ON product
    FOR EACH ROW
    WHEN (OLD.colourway IS DISTINCT FROM NEW.colourway OR OLD.model IS DISTINCT FROM NEW.model
          OR OLD.category IS DISTINCT FROM NEW.category)
    EXECUTE FUNCTION forget_traits();
