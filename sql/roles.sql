-- The read-only role of analysts. Run once by a superuser or database owner:
--     psql "$(solemate db url)" -f sql/roles.sql
--     CREATE ROLE alice LOGIN PASSWORD '...' IN ROLE solemate_analyst;
--     ALTER ROLE alice SET statement_timeout = '60s';   -- settings are not inherited
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'solemate_analyst') THEN
        CREATE ROLE solemate_analyst NOLOGIN;
    END IF;
END
$$;
GRANT USAGE ON SCHEMA public TO solemate_analyst;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO solemate_analyst;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO solemate_analyst;
-- Who asked for what is not the market: personal rows stay with the bot.
REVOKE SELECT ON bot_user, search_event, bot_contact, bot_update, bot_saved, bot_alert,
    bot_alert_shown, bot_outbox, bot_feedback, bot_error, bot_session, bot_shown, bot_pick,
    dream_session, dream_step, dream_spend FROM solemate_analyst;
