-- Frozen on 2026-11-25. Never edited after a release: later changes are later revisions.

ALTER TABLE bot_contact ADD COLUMN language TEXT CHECK (language IN ('ru', 'en'));

COMMENT ON TABLE bot_contact IS 'When a user may be written to unasked: quiet hours in their time zone, not at all after a block; last_message_id is the newest message of their private chat, NULL: not known; language is the one they were last answered in';
