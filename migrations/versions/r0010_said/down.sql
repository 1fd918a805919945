-- Back to the revision before.

ALTER TABLE bot_update DROP COLUMN said;

COMMENT ON TABLE bot_update IS 'Inbox: updates are here before Telegram hears that they came; a finished one keeps its id, to be known again, and loses its content';
