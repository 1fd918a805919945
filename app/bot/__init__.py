"""The Telegram bot: a photograph in, an album of results and buttons out."""
