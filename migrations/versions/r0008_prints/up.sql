CREATE TABLE image_print (
    image_id bigint NOT NULL,
    version smallint NOT NULL,
    print bytea NOT NULL,
    compared boolean DEFAULT false NOT NULL,
    PRIMARY KEY (image_id),
    FOREIGN KEY (image_id) REFERENCES image (id) ON DELETE CASCADE
);

COMMENT ON TABLE image_print IS 'What stays of a picture when a shop republishes it; compared: the matcher has held it against all others';
