-- depends: ideas-0002-create-users
--
-- The ideas themselves, found by their words, by a part of the title and by their
-- meaning. HNSW is right before there is data and while it grows.
--
-- Lock: SHARE ROW EXCLUSIVE on ideas.users, for the foreign key and a trigger.
-- Rewrites: none.
-- Rollback: drops the table and every idea in it.

CREATE TABLE ideas.business_ideas (
    id uuid NOT NULL DEFAULT core.new_id(),
    user_id uuid NOT NULL,
    title text NOT NULL,
    description text NOT NULL,
    status ideas.idea_status NOT NULL DEFAULT 'draft',
    embedding public.vector(384),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    title_trigrams text[] NOT NULL
        GENERATED ALWAYS AS (core.trigrams(title)) STORED,
    fts tsvector NOT NULL
        GENERATED ALWAYS AS (
            setweight(to_tsvector('pg_catalog.english', title), 'A')
            || setweight(to_tsvector('pg_catalog.english', description), 'B')
        ) STORED,
    CONSTRAINT business_ideas_pkey PRIMARY KEY (id),
    CONSTRAINT business_ideas_user_id_fkey
        FOREIGN KEY (user_id)
        REFERENCES ideas.users (id)
        ON DELETE CASCADE,
    CONSTRAINT business_ideas_title_check
        CHECK (char_length(btrim(title)) >= 1 AND char_length(title) <= 500),
    CONSTRAINT business_ideas_description_check
        CHECK (
            char_length(btrim(description)) >= 50
            AND char_length(description) <= 5000
        ),
    CONSTRAINT business_ideas_embedding_check
        CHECK (public.vector_norm(embedding) > 0)
);

COMMENT ON TABLE ideas.business_ideas IS
    'An idea that a user has, to be evaluated as often as the user likes.';

COMMENT ON COLUMN ideas.business_ideas.description IS
    '50 to 5,000 characters; blanks around it do not count towards the 50.';

COMMENT ON COLUMN ideas.business_ideas.status IS
    'Follows from the evaluations, by ideas.status_of(), and cannot be set otherwise.';

COMMENT ON COLUMN ideas.business_ideas.embedding IS
    'Embedding of title and description; cosine distance. The zero vector has no '
    'direction and is refused.';

COMMENT ON COLUMN ideas.business_ideas.title_trigrams IS
    'Trigrams of the title, for candidates by ideas.inner_trigrams().';

COMMENT ON COLUMN ideas.business_ideas.fts IS
    'Title (weight A) and description (B).';

CREATE INDEX business_ideas_user_id_created_at_id_idx
    ON ideas.business_ideas (user_id, created_at, id);

CREATE INDEX business_ideas_status_created_at_id_idx
    ON ideas.business_ideas (status, created_at, id)
    WHERE deleted_at IS NULL;

CREATE INDEX business_ideas_created_at_id_idx
    ON ideas.business_ideas (created_at, id)
    WHERE deleted_at IS NULL;

CREATE INDEX business_ideas_fts_idx
    ON ideas.business_ideas USING gin (fts)
    WHERE deleted_at IS NULL;

CREATE INDEX business_ideas_title_trigrams_idx
    ON ideas.business_ideas USING gin (title_trigrams)
    WHERE deleted_at IS NULL;

CREATE INDEX business_ideas_embedding_idx
    ON ideas.business_ideas USING hnsw (embedding public.vector_cosine_ops)
    WHERE deleted_at IS NULL;

CREATE TRIGGER business_ideas_set_updated_at
    BEFORE UPDATE ON ideas.business_ideas
    FOR EACH ROW
    EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER business_ideas_user_id_live
    BEFORE INSERT OR UPDATE OF user_id, deleted_at ON ideas.business_ideas
    FOR EACH ROW
    WHEN (NEW.deleted_at IS NULL)
    EXECUTE FUNCTION ideas.require_live_parent('ideas.users', 'user_id');

CREATE TRIGGER users_delete_ideas
    AFTER UPDATE OF deleted_at ON ideas.users
    FOR EACH ROW
    WHEN (OLD.deleted_at IS DISTINCT FROM NEW.deleted_at)
    EXECUTE FUNCTION ideas.delete_children('ideas.business_ideas', 'user_id');

CREATE TRIGGER business_ideas_audit
    AFTER INSERT OR UPDATE OR DELETE ON ideas.business_ideas
    FOR EACH ROW
    EXECUTE FUNCTION core.audit_row('embedding');

-- Those with a blank say where a word begins or ends, which a part of a word does not.
CREATE FUNCTION ideas.inner_trigrams(part text)
RETURNS text[]
LANGUAGE sql
IMMUTABLE
STRICT
PARALLEL SAFE
RETURN (
    SELECT coalesce(array_agg(trigram.value), '{}')
    FROM unnest(core.trigrams(part)) AS trigram (value)
    WHERE strpos(trigram.value, ' ') = 0
);

COMMENT ON FUNCTION ideas.inner_trigrams(text) IS
    'The trigrams that every text has which holds this one as a part; none if it has '
    'no three letters or digits in a row.';
