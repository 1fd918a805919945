-- Back to the revision before. What was asked by two vectors asks by the first of them.

ALTER TABLE bot_saved DROP COLUMN elsewhere;

COMMENT ON TABLE bot_saved IS 'What a user saved: a shoe, by an offer of it (products are joined and split, offers stay), or a picture, by its vector';

ALTER TABLE search_event DROP COLUMN elsewhere;

COMMENT ON TABLE search_event IS 'A search as asked: its vector, before the weights, words for full text and filters answer for the next page after a restart; moved: words altered the vector';
