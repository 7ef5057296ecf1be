-- depends: dining-0003-create-connections
--
-- What a connection is found by, and the foreign keys that an array cannot have. The
-- dish with its categories, and every dish attribute, is a row here, kept by triggers: so
-- only an entity of the right type can be a member of an array, none can be deleted while
-- it is one, and the planner knows how many connections each has. A dish has the score of
-- its connection, so that the best of a category are read in order from one index.
--
-- The triggers fire once for each statement; after an UPDATE they look at the rows whose
-- members or scores have changed.
--
-- Lock: SHARE ROW EXCLUSIVE on dining.connections and dining.entities. Rewrites: none.
-- Rollback: drops the members; the arrays stay, and nothing guards them any more.

CREATE TABLE dining.connection_dishes (
    connection_id uuid NOT NULL,
    dish_id uuid NOT NULL,
    dish_score numeric(10, 4) NOT NULL,
    dish_type dining.entity_type NOT NULL
        GENERATED ALWAYS AS ('dish_or_category'::dining.entity_type) STORED,
    CONSTRAINT connection_dishes_pkey PRIMARY KEY (connection_id, dish_id),
    CONSTRAINT connection_dishes_connection_id_fkey
        FOREIGN KEY (connection_id)
        REFERENCES dining.connections (id)
        ON DELETE CASCADE,
    CONSTRAINT connection_dishes_dish_id_fkey
        FOREIGN KEY (dish_id, dish_type)
        REFERENCES dining.entities (id, type)
        ON DELETE RESTRICT
);

COMMENT ON TABLE dining.connection_dishes IS
    'The dish of each connection and the members of its categories; written by triggers '
    'of dining.connections alone.';

COMMENT ON COLUMN dining.connection_dishes.dish_score IS
    'The score of the connection.';

CREATE INDEX connection_dishes_dish_id_dish_score_connection_id_idx
    ON dining.connection_dishes (dish_id, dish_score, connection_id);

CREATE TABLE dining.connection_attributes (
    connection_id uuid NOT NULL,
    attribute_id uuid NOT NULL,
    attribute_type dining.entity_type NOT NULL
        GENERATED ALWAYS AS ('dish_attribute'::dining.entity_type) STORED,
    CONSTRAINT connection_attributes_pkey PRIMARY KEY (connection_id, attribute_id),
    CONSTRAINT connection_attributes_connection_id_fkey
        FOREIGN KEY (connection_id)
        REFERENCES dining.connections (id)
        ON DELETE CASCADE,
    CONSTRAINT connection_attributes_attribute_id_fkey
        FOREIGN KEY (attribute_id, attribute_type)
        REFERENCES dining.entities (id, type)
        ON DELETE RESTRICT
);

COMMENT ON TABLE dining.connection_attributes IS
    'The members of dish_attributes of each connection; written by triggers of '
    'dining.connections alone.';

CREATE INDEX connection_attributes_attribute_id_connection_id_idx
    ON dining.connection_attributes (attribute_id, connection_id);

CREATE VIEW dining.connection_tags AS
SELECT
    member.connection_id,
    member.dish_id AS tag_id
FROM dining.connection_dishes AS member
UNION ALL
SELECT
    member.connection_id,
    member.attribute_id AS tag_id
FROM dining.connection_attributes AS member;

COMMENT ON VIEW dining.connection_tags IS
    'Everything that a connection says of a restaurant: dish, categories, attributes.';

CREATE FUNCTION dining.insert_members()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO dining.connection_dishes (connection_id, dish_id, dish_score)
    SELECT
        added.id,
        unnest(array_remove(added.categories, added.dish_id) || added.dish_id),
        added.dish_score
    FROM added;

    INSERT INTO dining.connection_attributes (connection_id, attribute_id)
    SELECT
        added.id,
        unnest(added.dish_attributes)
    FROM added;

    RETURN NULL;
END
$$;

COMMENT ON FUNCTION dining.insert_members() IS
    'For AFTER INSERT ON dining.connections REFERENCING NEW TABLE AS added FOR EACH '
    'STATEMENT.';

-- PL/pgSQL keeps plans, and one that was made for a statement of one row would compare
-- every row with every other in a statement of all. So what has changed is found by
-- EXCEPT, which is as good for many, and the rest is planned anew for each statement.
CREATE FUNCTION dining.update_members()
RETURNS trigger
LANGUAGE plpgsql
SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    changed CONSTANT uuid[] := ARRAY(
        SELECT difference.id
        FROM (
            SELECT
                after.id,
                after.dish_id,
                after.categories,
                after.dish_attributes
            FROM after
            EXCEPT
            SELECT
                before.id,
                before.dish_id,
                before.categories,
                before.dish_attributes
            FROM before
        ) AS difference
    );
BEGIN
    UPDATE dining.connection_dishes AS member
    SET dish_score = after.dish_score
    FROM after
    WHERE
        member.connection_id = after.id
        AND member.dish_score <> after.dish_score;

    IF changed = '{}' THEN
        RETURN NULL;
    END IF;

    DELETE FROM dining.connection_dishes AS member
    WHERE member.connection_id = ANY (changed);

    INSERT INTO dining.connection_dishes (connection_id, dish_id, dish_score)
    SELECT
        after.id,
        unnest(array_remove(after.categories, after.dish_id) || after.dish_id),
        after.dish_score
    FROM after
    WHERE after.id = ANY (changed);

    DELETE FROM dining.connection_attributes AS member
    WHERE member.connection_id = ANY (changed);

    INSERT INTO dining.connection_attributes (connection_id, attribute_id)
    SELECT
        after.id,
        unnest(after.dish_attributes)
    FROM after
    WHERE after.id = ANY (changed);

    RETURN NULL;
END
$$;

COMMENT ON FUNCTION dining.update_members() IS
    'For AFTER UPDATE ON dining.connections REFERENCING OLD TABLE AS before NEW TABLE '
    'AS after FOR EACH STATEMENT.';

CREATE TRIGGER connections_insert_members
    AFTER INSERT ON dining.connections
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT
    EXECUTE FUNCTION dining.insert_members();

CREATE TRIGGER connections_update_members
    AFTER UPDATE ON dining.connections
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT
    EXECUTE FUNCTION dining.update_members();
