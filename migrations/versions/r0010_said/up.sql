-- Frozen on 2026-11-25. Never edited after a release: later changes are later revisions.

ALTER TABLE bot_update ADD COLUMN said JSONB;

COMMENT ON TABLE bot_update IS 'Inbox: updates are here before Telegram hears that they came; said: the messages sent for one that is being handled, so that after a crash they are not sent again; a finished one keeps its id, to be known again, and loses its content';
