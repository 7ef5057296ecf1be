-- depends: events-0004-create-links
--
-- Pairs that may be the same thing twice, for a person to decide: similar enough to ask
-- (0.7 and more), not enough to merge unasked (0.9).
--
-- left_id and right_id name rows of the table that entity_kind says, so no foreign key
-- can hold them; a review whose entity is gone is never claimed.
--
-- Lock: none on a live table. Rewrites: none.
-- Rollback: drops the table, every open pair and every decision.

CREATE TABLE events.dedupe_reviews (
    id uuid NOT NULL DEFAULT core.new_id(),
    entity_kind text NOT NULL,
    left_id uuid NOT NULL,
    right_id uuid NOT NULL,
    confidence real NOT NULL,
    status text NOT NULL DEFAULT 'pending',
    evidence jsonb NOT NULL DEFAULT '{}',
    claimed_by text,
    claimed_until timestamptz,
    decided_by text,
    decided_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT dedupe_reviews_pkey PRIMARY KEY (id),
    CONSTRAINT dedupe_reviews_entity_kind_left_id_right_id_key
        UNIQUE (entity_kind, left_id, right_id),
    CONSTRAINT dedupe_reviews_entity_kind_check
        CHECK (entity_kind IN ('event', 'speaker', 'company')),
    CONSTRAINT dedupe_reviews_left_id_right_id_check CHECK (left_id < right_id),
    CONSTRAINT dedupe_reviews_confidence_check CHECK (confidence BETWEEN 0 AND 1),
    CONSTRAINT dedupe_reviews_status_check
        CHECK (status IN ('pending', 'merged', 'rejected')),
    CONSTRAINT dedupe_reviews_evidence_check
        CHECK (jsonb_typeof(evidence) = 'object'),
    CONSTRAINT dedupe_reviews_claimed_by_claimed_until_check
        CHECK ((claimed_by IS NULL) = (claimed_until IS NULL)),
    CONSTRAINT dedupe_reviews_status_decided_at_check
        CHECK ((status = 'pending') = (decided_at IS NULL))
);

COMMENT ON TABLE events.dedupe_reviews IS
    'Possible duplicates for a person to decide; a decided pair is not asked again.';

COMMENT ON COLUMN events.dedupe_reviews.left_id IS
    'The smaller id of the pair, so that a pair is one row whichever way it was found.';

COMMENT ON COLUMN events.dedupe_reviews.evidence IS
    'What the confidence was made of.';

CREATE INDEX dedupe_reviews_confidence_id_idx
    ON events.dedupe_reviews (confidence DESC, id)
    WHERE status = 'pending';
