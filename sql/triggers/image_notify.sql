-- One notification a statement: Postgres folds equal ones of a transaction.
CREATE OR REPLACE TRIGGER image_notify
    AFTER INSERT ON image
    FOR EACH STATEMENT EXECUTE FUNCTION notify_new_image();
