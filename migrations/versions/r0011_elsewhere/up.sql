-- Frozen on 2026-11-28. Never edited after a release: later changes are later revisions.

ALTER TABLE search_event ADD COLUMN elsewhere HALFVEC;

COMMENT ON TABLE search_event IS 'A search as asked: its vector, before the weights, words for full text and filters answer for the next page after a restart; moved: words altered the vector; elsewhere: the vector that asks other shops, where a picture asks twice';

ALTER TABLE bot_saved ADD COLUMN elsewhere HALFVEC;

COMMENT ON TABLE bot_saved IS 'What a user saved: a shoe, by an offer of it (products are joined and split, offers stay), or a picture, by its vector (elsewhere: the one that asks other shops)';
