-- Frozen on 2026-11-25. Never edited after a release: later changes are later revisions.

CREATE TABLE dream_session (
	id BIGINT GENERATED ALWAYS AS IDENTITY, 
	user_id BIGINT, 
	user_key TEXT NOT NULL, 
	state TEXT DEFAULT 'open'::text NOT NULL, 
	position SMALLINT DEFAULT 0 NOT NULL, 
	search_id BIGINT, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	PRIMARY KEY (id), 
	CHECK (state IN ('open', 'closed')), 
	FOREIGN KEY(user_id) REFERENCES bot_user (user_id) ON DELETE CASCADE
);

CREATE UNIQUE INDEX dream_session_open_key ON dream_session (user_key) WHERE state = 'open';

CREATE INDEX dream_session_user_id_idx ON dream_session (user_id);

COMMENT ON TABLE dream_session IS 'A dreamt shoe in the making, one open a user; position is the step being looked at, search_id the last search from it';

CREATE TABLE dream_step (
	session_id BIGINT NOT NULL, 
	number SMALLINT NOT NULL, 
	parent SMALLINT, 
	asked TEXT, 
	design JSONB NOT NULL, 
	extra TEXT[] DEFAULT '{}'::text[] NOT NULL, 
	prompt TEXT NOT NULL, 
	seed BIGINT NOT NULL, 
	generator TEXT NOT NULL, 
	picture BYTEA NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	PRIMARY KEY (session_id, number), 
	CHECK (number > 0), 
	FOREIGN KEY(session_id) REFERENCES dream_session (id) ON DELETE CASCADE
);

COMMENT ON TABLE dream_step IS 'One picture of a dreamt shoe: what was asked, the design, words beyond it, the generator''s prompt and seed, the PNG; parent is the step it was changed from';

CREATE TABLE dream_spend (
	user_key TEXT NOT NULL, 
	day DATE NOT NULL, 
	pictures INTEGER NOT NULL, 
	cost NUMERIC(12, 4) NOT NULL, 
	PRIMARY KEY (user_key, day), 
	CHECK (pictures >= 0), 
	CHECK (cost >= 0)
);

COMMENT ON TABLE dream_spend IS 'What bought pictures cost a user a day (UTC), in dollars; rows of past days go';
