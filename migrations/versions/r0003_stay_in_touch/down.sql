-- Back to the revision before; what only the newer tables hold is lost.

DROP VIEW search_feedback;

DROP TABLE bot_error, bot_feedback, bot_outbox, bot_alert_shown, bot_alert, bot_saved, bot_update, bot_contact;
