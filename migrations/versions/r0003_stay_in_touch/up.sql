-- Frozen on 2026-11-25. Never edited after a release: later changes are later revisions.

CREATE TABLE bot_error (
	id BIGINT GENERATED ALWAYS AS IDENTITY, 
	code TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	place TEXT NOT NULL, 
	message TEXT NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	PRIMARY KEY (id)
);

CREATE INDEX bot_error_created_at_idx ON bot_error (created_at);

COMMENT ON TABLE bot_error IS 'Failures of the bot for /admin: no user, no token, no text of a message';

CREATE TABLE bot_update (
	update_id BIGINT NOT NULL, 
	user_id BIGINT, 
	payload JSONB, 
	attempts SMALLINT DEFAULT 0 NOT NULL, 
	outcome TEXT, 
	received_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	finished_at TIMESTAMP WITH TIME ZONE, 
	PRIMARY KEY (update_id), 
	CHECK (outcome IN ('done', 'failed', 'flood', 'given_up'))
);

CREATE INDEX bot_update_finished_at_idx ON bot_update (finished_at);

CREATE INDEX bot_update_unfinished_idx ON bot_update (update_id) WHERE finished_at IS NULL;

COMMENT ON TABLE bot_update IS 'Inbox: updates are here before Telegram hears that they came; a finished one keeps its id, to be known again, and loses its content';

CREATE TABLE bot_contact (
	user_id BIGINT NOT NULL, 
	timezone TEXT, 
	quiet_from TIME WITHOUT TIME ZONE DEFAULT '22:00:00'::time NOT NULL, 
	quiet_to TIME WITHOUT TIME ZONE DEFAULT '09:00:00'::time NOT NULL, 
	quiet BOOLEAN DEFAULT true NOT NULL, 
	blocked_at TIMESTAMP WITH TIME ZONE, 
	last_message_id BIGINT, 
	PRIMARY KEY (user_id), 
	FOREIGN KEY(user_id) REFERENCES bot_user (user_id) ON DELETE CASCADE
);

COMMENT ON TABLE bot_contact IS 'When a user may be written to unasked: quiet hours in their time zone, not at all after a block; last_message_id is the newest message of their private chat, NULL: not known';

CREATE TABLE bot_feedback (
	id BIGINT GENERATED ALWAYS AS IDENTITY, 
	user_id BIGINT NOT NULL, 
	search_id BIGINT NOT NULL, 
	search_kind TEXT NOT NULL, 
	encoder_id SMALLINT NOT NULL, 
	query HALFVEC NOT NULL, 
	filters JSONB DEFAULT '{}'::jsonb NOT NULL, 
	image_id BIGINT NOT NULL, 
	rank SMALLINT NOT NULL, 
	verdict TEXT NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (user_id, search_id, image_id), 
	CHECK (rank > 0), 
	CHECK (verdict IN ('right', 'wrong')), 
	FOREIGN KEY(user_id) REFERENCES bot_user (user_id) ON DELETE CASCADE, 
	FOREIGN KEY(encoder_id) REFERENCES encoder (id), 
	FOREIGN KEY(image_id) REFERENCES image (id) ON DELETE CASCADE
);

CREATE INDEX bot_feedback_image_id_idx ON bot_feedback (image_id);

COMMENT ON TABLE bot_feedback IS 'What users said of results: the query''s vector, the encoder, the result''s picture and its rank from 1';

CREATE TABLE bot_saved (
	id BIGINT GENERATED ALWAYS AS IDENTITY, 
	user_id BIGINT NOT NULL, 
	kind TEXT NOT NULL, 
	offer_id BIGINT, 
	image_id BIGINT, 
	encoder_id SMALLINT, 
	query HALFVEC, 
	search_id BIGINT, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	PRIMARY KEY (id), 
	CHECK (kind IN ('shoe', 'picture')), 
	CHECK ((kind = 'shoe') = (offer_id IS NOT NULL)), 
	CHECK ((kind = 'picture') = (query IS NOT NULL AND encoder_id IS NOT NULL)), 
	UNIQUE (user_id, offer_id), 
	UNIQUE (user_id, search_id), 
	FOREIGN KEY(user_id) REFERENCES bot_user (user_id) ON DELETE CASCADE, 
	FOREIGN KEY(offer_id) REFERENCES offer (id) ON DELETE CASCADE, 
	FOREIGN KEY(image_id) REFERENCES image (id) ON DELETE SET NULL, 
	FOREIGN KEY(encoder_id) REFERENCES encoder (id) ON DELETE CASCADE
);

COMMENT ON TABLE bot_saved IS 'What a user saved: a shoe, by an offer of it (products are joined and split, offers stay), or a picture, by its vector';

CREATE TABLE bot_alert (
	id BIGINT GENERATED ALWAYS AS IDENTITY, 
	user_id BIGINT NOT NULL, 
	saved_id BIGINT NOT NULL, 
	kind TEXT NOT NULL, 
	active BOOLEAN DEFAULT true NOT NULL, 
	size TEXT, 
	size_system TEXT, 
	told_price NUMERIC(12, 2), 
	currency TEXT, 
	present BOOLEAN, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (saved_id, kind), 
	CHECK (kind IN ('drop', 'back', 'new')), 
	FOREIGN KEY(user_id) REFERENCES bot_user (user_id) ON DELETE CASCADE, 
	FOREIGN KEY(saved_id) REFERENCES bot_saved (id) ON DELETE CASCADE
);

CREATE INDEX bot_alert_user_id_idx ON bot_alert (user_id);

COMMENT ON TABLE bot_alert IS 'What a user wants to hear of a saved thing; told_price is the lowest price told, present whether the shoe was there in the size when last looked at';

CREATE TABLE bot_alert_shown (
	alert_id BIGINT NOT NULL, 
	product_id BIGINT NOT NULL, 
	PRIMARY KEY (alert_id, product_id), 
	FOREIGN KEY(alert_id) REFERENCES bot_alert (id) ON DELETE CASCADE, 
	FOREIGN KEY(product_id) REFERENCES product (id) ON DELETE CASCADE
);

CREATE INDEX bot_alert_shown_product_id_idx ON bot_alert_shown (product_id);

COMMENT ON TABLE bot_alert_shown IS 'New shoes that an alert has told of';

CREATE TABLE bot_outbox (
	id BIGINT GENERATED ALWAYS AS IDENTITY, 
	user_id BIGINT NOT NULL, 
	alert_id BIGINT NOT NULL, 
	key TEXT NOT NULL, 
	payload JSONB NOT NULL, 
	state TEXT DEFAULT 'pending'::text NOT NULL, 
	attempts SMALLINT DEFAULT 0 NOT NULL, 
	not_before TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	claimed_at TIMESTAMP WITH TIME ZONE, 
	mark BIGINT, 
	markup JSONB, 
	message_id BIGINT, 
	error TEXT, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	settled_at TIMESTAMP WITH TIME ZONE, 
	PRIMARY KEY (id), 
	CHECK (state IN ('pending', 'sending', 'sent', 'dropped', 'unknown')), 
	FOREIGN KEY(user_id) REFERENCES bot_user (user_id) ON DELETE CASCADE, 
	FOREIGN KEY(alert_id) REFERENCES bot_alert (id) ON DELETE CASCADE, 
	UNIQUE (key)
);

CREATE INDEX bot_outbox_alert_id_idx ON bot_outbox (alert_id);

CREATE INDEX bot_outbox_open_idx ON bot_outbox (not_before) WHERE state IN ('pending', 'sending');

CREATE INDEX bot_outbox_user_id_idx ON bot_outbox (user_id);

COMMENT ON TABLE bot_outbox IS 'Messages to send unasked, once each; mark is the newest message id known before the attempt, by which a row left in sending is settled';

-- What users said of results («то, что искал» / «мимо»), for evaluating encoders; nobody's names.
CREATE OR REPLACE VIEW search_feedback AS
SELECT f.id AS feedback_id,
       e.name AS encoder,
       e.revision AS encoder_revision,
       f.search_kind,
       f.rank,
       f.verdict,
       f.image_id,
       s.product_id,
       b.name AS brand,
       p.model,
       p.colourway,
       f.query,
       f.filters,
       f.created_at
FROM bot_feedback AS f
JOIN encoder AS e ON e.id = f.encoder_id
LEFT JOIN LATERAL (
    SELECT o.product_id
    FROM offer_image AS oi
    JOIN offer AS o ON o.id = oi.offer_id
    WHERE oi.image_id = f.image_id
    ORDER BY oi.position, o.id
    LIMIT 1
) AS s ON true
LEFT JOIN product AS p ON p.id = s.product_id
LEFT JOIN brand AS b ON b.id = p.brand_id;
