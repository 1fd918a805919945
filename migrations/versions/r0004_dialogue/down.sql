-- Back to the revision before; what only the newer tables and columns hold is lost.

DROP TABLE bot_pick, bot_shown, bot_session;

ALTER TABLE bot_user DROP COLUMN shops, DROP COLUMN size_system, DROP COLUMN size, DROP COLUMN currency;
