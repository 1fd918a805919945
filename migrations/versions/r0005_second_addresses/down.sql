-- Back to r0004_dialogue. A second address's validators would look like a first's.
DELETE FROM fetched_page WHERE same_as IS NOT NULL;
ALTER TABLE fetched_page DROP COLUMN same_as;

COMMENT ON TABLE fetched_page IS 'Validators of pages already read, for conditional requests';
