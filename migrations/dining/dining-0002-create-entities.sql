-- depends: dining-0001-create-schema
--
-- Restaurants, dishes and categories, dish attributes, restaurant attributes: four types
-- in one table, since all of them are names that people write in many ways. A name is
-- one entity of its type; what only restaurants have is NULL for the others.
--
-- (id, type) is unique so that a foreign key can ask for an entity of one type: the
-- table that refers to it has the type as a generated constant. As long as something
-- refers to an entity, neither it nor its type can be changed.
--
-- Lock: none on a live table. Rewrites: none.
-- Rollback: drops the tables and every entity in them.

CREATE TABLE dining.entities (
    id uuid NOT NULL DEFAULT core.new_id(),
    type dining.entity_type NOT NULL,
    name text NOT NULL,
    aliases text[] NOT NULL DEFAULT '{}',
    latitude double precision,
    longitude double precision,
    address text,
    google_place_id text,
    details jsonb NOT NULL DEFAULT '{}',
    restaurant_score numeric(10, 4),
    embedding public.vector(384),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    normalized_name text NOT NULL
        GENERATED ALWAYS AS (dining.normalize_name(name)) STORED,
    known_as text[] NOT NULL
        GENERATED ALWAYS AS (dining.normalize_names(name || aliases)) STORED,
    trigrams text[] NOT NULL
        GENERATED ALWAYS AS (dining.name_trigrams(name || aliases)) STORED,
    CONSTRAINT entities_pkey PRIMARY KEY (id),
    CONSTRAINT entities_id_type_key UNIQUE (id, type),
    CONSTRAINT entities_type_normalized_name_key UNIQUE (type, normalized_name),
    CONSTRAINT entities_google_place_id_key UNIQUE (google_place_id),
    CONSTRAINT entities_name_check CHECK (char_length(name) <= 255),
    CONSTRAINT entities_aliases_check CHECK (aliases = dining.alias_set(name, aliases)),
    CONSTRAINT entities_latitude_check CHECK (latitude BETWEEN -90 AND 90),
    CONSTRAINT entities_longitude_check CHECK (longitude BETWEEN -180 AND 180),
    CONSTRAINT entities_latitude_longitude_check
        CHECK ((latitude IS NULL) = (longitude IS NULL)),
    CONSTRAINT entities_address_check CHECK (char_length(address) BETWEEN 1 AND 500),
    CONSTRAINT entities_google_place_id_check
        CHECK (char_length(google_place_id) BETWEEN 1 AND 255),
    CONSTRAINT entities_details_check CHECK (jsonb_typeof(details) = 'object'),
    CONSTRAINT entities_restaurant_score_check
        CHECK (restaurant_score BETWEEN 0 AND 100),
    CONSTRAINT entities_embedding_check CHECK (public.vector_norm(embedding) > 0),
    CONSTRAINT entities_type_check
        CHECK (
            type = 'restaurant'
            OR (
                latitude IS NULL
                AND address IS NULL
                AND google_place_id IS NULL
                AND details = '{}'
                AND restaurant_score IS NULL
            )
        )
);

COMMENT ON TABLE dining.entities IS
    'A restaurant, a dish or category of dishes, or an attribute of either.';

COMMENT ON COLUMN dining.entities.aliases IS
    'Other names, as they were written: a set by dining.alias_set().';

COMMENT ON COLUMN dining.entities.details IS
    'What else is known of a restaurant, such as opening hours and prices.';

COMMENT ON COLUMN dining.entities.restaurant_score IS
    'How good its dishes are, 0 to 100, by dining.restaurant_score(); NULL without any.';

COMMENT ON COLUMN dining.entities.embedding IS
    'Embedding of the name in its context; cosine distance. The zero vector has no '
    'direction and is refused.';

COMMENT ON COLUMN dining.entities.normalized_name IS
    'What is unique within a type; a name of punctuation alone has none and is refused.';

COMMENT ON COLUMN dining.entities.known_as IS
    'Name and aliases, normalised.';

COMMENT ON COLUMN dining.entities.trigrams IS
    'Trigrams of the name and of all aliases, for candidates by similarity.';

CREATE INDEX entities_restaurant_score_id_idx
    ON dining.entities (restaurant_score, id)
    WHERE restaurant_score IS NOT NULL;

CREATE TRIGGER entities_set_updated_at
    BEFORE UPDATE ON dining.entities
    FOR EACH ROW
    EXECUTE FUNCTION core.set_updated_at();

CREATE TABLE dining.restaurant_attributes (
    restaurant_id uuid NOT NULL,
    attribute_id uuid NOT NULL,
    restaurant_type dining.entity_type NOT NULL
        GENERATED ALWAYS AS ('restaurant'::dining.entity_type) STORED,
    attribute_type dining.entity_type NOT NULL
        GENERATED ALWAYS AS ('restaurant_attribute'::dining.entity_type) STORED,
    CONSTRAINT restaurant_attributes_pkey PRIMARY KEY (restaurant_id, attribute_id),
    CONSTRAINT restaurant_attributes_restaurant_id_fkey
        FOREIGN KEY (restaurant_id, restaurant_type)
        REFERENCES dining.entities (id, type)
        ON DELETE CASCADE,
    CONSTRAINT restaurant_attributes_attribute_id_fkey
        FOREIGN KEY (attribute_id, attribute_type)
        REFERENCES dining.entities (id, type)
        ON DELETE RESTRICT
);

COMMENT ON TABLE dining.restaurant_attributes IS
    'What a restaurant is like; an attribute that a restaurant has cannot be deleted.';

CREATE INDEX restaurant_attributes_attribute_id_idx
    ON dining.restaurant_attributes (attribute_id);
