-- Back to the revision before.

ALTER TABLE bot_contact DROP COLUMN language;

COMMENT ON TABLE bot_contact IS 'When a user may be written to unasked: quiet hours in their time zone, not at all after a block; last_message_id is the newest message of their private chat, NULL: not known';
