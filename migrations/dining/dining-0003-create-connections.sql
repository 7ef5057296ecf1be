-- depends: dining-0002-create-entities
--
-- What can be eaten where: a connection joins a restaurant with a dish or category, once
-- for each set of dish attributes. A connection between two dishes is impossible: each
-- foreign key asks for the type, too.
--
-- strength, counts, activity and score are computed from the mentions, by
-- sql/dining/scores.sql. Lists are ordered by score and id and read backwards, so that
-- one row comparison finds the next page.
--
-- Lock: SHARE ROW EXCLUSIVE on dining.entities, for the foreign keys. Rewrites: none.
-- Rollback: drops the table and every connection in it.

CREATE TABLE dining.connections (
    id uuid NOT NULL DEFAULT core.new_id(),
    restaurant_id uuid NOT NULL,
    dish_id uuid NOT NULL,
    dish_attributes uuid[] NOT NULL DEFAULT '{}',
    categories uuid[] NOT NULL DEFAULT '{}',
    is_menu_item boolean NOT NULL DEFAULT true,
    mention_count integer NOT NULL DEFAULT 0,
    recent_mention_count integer NOT NULL DEFAULT 0,
    source_diversity integer NOT NULL DEFAULT 0,
    total_upvotes bigint NOT NULL DEFAULT 0,
    last_mentioned_at timestamptz,
    top_mentions jsonb NOT NULL DEFAULT '[]',
    activity_level dining.activity_level NOT NULL DEFAULT 'normal',
    strength numeric(10, 4) NOT NULL DEFAULT 0,
    dish_score numeric(10, 4) NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    restaurant_type dining.entity_type NOT NULL
        GENERATED ALWAYS AS ('restaurant'::dining.entity_type) STORED,
    dish_type dining.entity_type NOT NULL
        GENERATED ALWAYS AS ('dish_or_category'::dining.entity_type) STORED,
    CONSTRAINT connections_pkey PRIMARY KEY (id),
    CONSTRAINT connections_restaurant_id_dish_id_dish_attributes_key
        UNIQUE (restaurant_id, dish_id, dish_attributes),
    CONSTRAINT connections_restaurant_id_fkey
        FOREIGN KEY (restaurant_id, restaurant_type)
        REFERENCES dining.entities (id, type)
        ON DELETE RESTRICT,
    CONSTRAINT connections_dish_id_fkey
        FOREIGN KEY (dish_id, dish_type)
        REFERENCES dining.entities (id, type)
        ON DELETE RESTRICT,
    CONSTRAINT connections_dish_attributes_check
        CHECK (dish_attributes = dining.sorted_set(dish_attributes)),
    CONSTRAINT connections_categories_check
        CHECK (categories = dining.sorted_set(categories)),
    CONSTRAINT connections_mention_count_check CHECK (mention_count >= 0),
    CONSTRAINT connections_recent_mention_count_check
        CHECK (recent_mention_count BETWEEN 0 AND mention_count),
    CONSTRAINT connections_source_diversity_check
        CHECK (source_diversity BETWEEN 0 AND mention_count),
    CONSTRAINT connections_last_mentioned_at_check
        CHECK ((last_mentioned_at IS NULL) = (mention_count = 0)),
    CONSTRAINT connections_top_mentions_check
        CHECK (
            jsonb_typeof(top_mentions) = 'array'
            AND jsonb_array_length(top_mentions) <= 5
        ),
    CONSTRAINT connections_strength_check CHECK (strength BETWEEN 0 AND 100),
    CONSTRAINT connections_dish_score_check CHECK (dish_score BETWEEN 0 AND 100)
)
WITH (fillfactor = 70);

COMMENT ON TABLE dining.connections IS
    'A dish or category at a restaurant, with what people say of it.';

COMMENT ON COLUMN dining.connections.dish_attributes IS
    'What this dish is like here: a set of dish attributes, sorted.';

COMMENT ON COLUMN dining.connections.categories IS
    'The categories that the dish belongs to here: a set of dishes or categories, '
    'sorted.';

COMMENT ON COLUMN dining.connections.is_menu_item IS
    'Whether it can be ordered by this name; false for a mere category.';

COMMENT ON COLUMN dining.connections.recent_mention_count IS
    'The mentions of the last 30 days.';

COMMENT ON COLUMN dining.connections.source_diversity IS
    'The different threads that the mentions are from.';

COMMENT ON COLUMN dining.connections.top_mentions IS
    'Up to five mentions by upvotes that fade with age, best first: source, source_id, '
    'url, upvotes, posted_at.';

COMMENT ON COLUMN dining.connections.strength IS
    'How much is said of it, 0 to 100, by dining.strength().';

COMMENT ON COLUMN dining.connections.dish_score IS
    'How good it is, 0 to 100, by dining.dish_score().';

CREATE INDEX connections_restaurant_id_dish_score_id_idx
    ON dining.connections (restaurant_id, dish_score, id);

CREATE INDEX connections_dish_id_dish_score_id_idx
    ON dining.connections (dish_id, dish_score, id);

CREATE INDEX connections_dish_score_id_idx
    ON dining.connections (dish_score, id);

CREATE INDEX connections_activity_level_dish_score_id_idx
    ON dining.connections (activity_level, dish_score, id)
    WHERE activity_level <> 'normal';

CREATE INDEX connections_dish_attributes_idx
    ON dining.connections USING gin (dish_attributes);

CREATE TRIGGER connections_set_updated_at
    BEFORE UPDATE ON dining.connections
    FOR EACH ROW
    EXECUTE FUNCTION core.set_updated_at();
