ALTER TABLE fetched_page ADD COLUMN same_as text;

COMMENT ON TABLE fetched_page IS 'Validators of pages already read, for conditional requests; same_as is the page that the offers shown are read from, where that is another';
