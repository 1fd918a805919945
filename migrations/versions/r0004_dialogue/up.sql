-- Frozen on 2026-11-25. Never edited after a release: later changes are later revisions.

ALTER TABLE bot_user
    ADD COLUMN currency TEXT,
    ADD COLUMN size TEXT,
    ADD COLUMN size_system TEXT,
    ADD COLUMN shops TEXT[] DEFAULT '{}'::text[] NOT NULL,
    ADD CHECK (currency ~ '^[A-Z]{3}$'),
    ADD CHECK (size_system IN ('EU', 'US', 'UK', 'CM', 'RU'));

CREATE TABLE bot_session (
	chat_id BIGINT NOT NULL, 
	user_id BIGINT NOT NULL, 
	filters JSONB, 
	search_id BIGINT, 
	used_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	PRIMARY KEY (chat_id, user_id), 
	FOREIGN KEY(user_id) REFERENCES bot_user (user_id) ON DELETE CASCADE, 
	FOREIGN KEY(search_id) REFERENCES search_event (id) ON DELETE SET NULL
);

CREATE INDEX bot_session_search_id_idx ON bot_session (search_id);

CREATE INDEX bot_session_user_id_idx ON bot_session (user_id);

COMMENT ON TABLE bot_session IS 'What a user narrowed their questions to by buttons (NULL: nothing yet), and the search they look at';

CREATE TABLE bot_shown (
	chat_id BIGINT NOT NULL, 
	message_id BIGINT NOT NULL, 
	search_id BIGINT NOT NULL, 
	page SMALLINT NOT NULL, 
	image_id BIGINT, 
	PRIMARY KEY (chat_id, message_id), 
	FOREIGN KEY(search_id) REFERENCES search_event (id) ON DELETE CASCADE, 
	FOREIGN KEY(image_id) REFERENCES image (id) ON DELETE CASCADE
);

CREATE INDEX bot_shown_image_id_idx ON bot_shown (image_id);

CREATE INDEX bot_shown_search_id_idx ON bot_shown (search_id);

COMMENT ON TABLE bot_shown IS 'Messages that show results, so that an answer to one is known to be about them; image_id: the message is about this one result';

CREATE TABLE bot_pick (
	id BIGINT GENERATED ALWAYS AS IDENTITY, 
	user_id BIGINT NOT NULL, 
	file_id TEXT NOT NULL, 
	boxes JSONB NOT NULL, 
	words TEXT, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(user_id) REFERENCES bot_user (user_id) ON DELETE CASCADE
);

CREATE INDEX bot_pick_created_at_idx ON bot_pick (created_at);

CREATE INDEX bot_pick_user_id_idx ON bot_pick (user_id);

COMMENT ON TABLE bot_pick IS 'A picture with several shoes: where they are, until the user has picked one; words: its caption';

