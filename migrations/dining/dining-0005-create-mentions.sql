-- depends: dining-0004-create-members
--
-- The evidence: a post or comment on Reddit that speaks of a connection. One source can
-- be evidence for several connections, and once for each, so that loading it again adds
-- nothing. Reddit's scores can be negative.
--
-- A source has no other key than its connection and itself: an id of its own would be
-- one more index on the largest table. Beyond ten million rows, partition it by month of
-- posted_at.
--
-- Lock: SHARE ROW EXCLUSIVE on dining.connections, for the foreign key. Rewrites: none.
-- Rollback: drops the table and all evidence in it.

CREATE TABLE dining.mentions (
    connection_id uuid NOT NULL,
    source dining.mention_source NOT NULL,
    source_id text NOT NULL,
    thread_id text NOT NULL,
    url text NOT NULL,
    subreddit text NOT NULL,
    author text,
    excerpt text NOT NULL,
    upvotes integer NOT NULL DEFAULT 0,
    posted_at timestamptz NOT NULL,
    processed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT mentions_pkey PRIMARY KEY (connection_id, source, source_id),
    CONSTRAINT mentions_connection_id_fkey
        FOREIGN KEY (connection_id)
        REFERENCES dining.connections (id)
        ON DELETE CASCADE,
    CONSTRAINT mentions_source_id_check CHECK (char_length(source_id) BETWEEN 1 AND 255),
    CONSTRAINT mentions_thread_id_check CHECK (char_length(thread_id) BETWEEN 1 AND 255),
    CONSTRAINT mentions_url_check
        CHECK (url ~ '^https?://[^\s]+$' AND char_length(url) <= 500),
    CONSTRAINT mentions_subreddit_check CHECK (char_length(subreddit) BETWEEN 1 AND 100),
    CONSTRAINT mentions_author_check CHECK (char_length(author) BETWEEN 1 AND 255),
    CONSTRAINT mentions_excerpt_check CHECK (char_length(excerpt) BETWEEN 1 AND 10000),
    CONSTRAINT mentions_posted_at_check CHECK (posted_at <= processed_at)
);

COMMENT ON TABLE dining.mentions IS
    'A post or comment that speaks of a connection: the evidence for its score.';

COMMENT ON COLUMN dining.mentions.source_id IS
    'Reddit''s id of the post or comment.';

COMMENT ON COLUMN dining.mentions.thread_id IS
    'Reddit''s id of the post that the discussion belongs to.';

COMMENT ON COLUMN dining.mentions.subreddit IS
    'Its name without r/.';

COMMENT ON COLUMN dining.mentions.author IS
    'NULL for a deleted account.';

COMMENT ON COLUMN dining.mentions.upvotes IS
    'Reddit''s score when it was last seen: upvotes less downvotes.';

CREATE INDEX mentions_posted_at_idx
    ON dining.mentions (posted_at);
