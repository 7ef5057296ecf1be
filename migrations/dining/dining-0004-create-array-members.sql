-- depends: dining-0003-create-connections
--
-- The foreign keys that an array cannot have. Every member of a connection's categories
-- and dish_attributes is a row here, kept by triggers, so that only an entity of the
-- right type can be a member, and none can be deleted while it is one.
--
-- The triggers fire once for each statement; after an UPDATE they look at the rows whose
-- arrays have changed, so that new scores cost nothing here.
--
-- Lock: SHARE ROW EXCLUSIVE on dining.connections and dining.entities. Rewrites: none.
-- Rollback: drops the mirror; the arrays stay, and nothing guards them any more.

CREATE TABLE dining.connection_categories (
    connection_id uuid NOT NULL,
    category_id uuid NOT NULL,
    category_type dining.entity_type NOT NULL
        GENERATED ALWAYS AS ('dish_or_category'::dining.entity_type) STORED,
    CONSTRAINT connection_categories_pkey PRIMARY KEY (connection_id, category_id),
    CONSTRAINT connection_categories_connection_id_fkey
        FOREIGN KEY (connection_id)
        REFERENCES dining.connections (id)
        ON DELETE CASCADE,
    CONSTRAINT connection_categories_category_id_fkey
        FOREIGN KEY (category_id, category_type)
        REFERENCES dining.entities (id, type)
        ON DELETE RESTRICT
);

COMMENT ON TABLE dining.connection_categories IS
    'The members of dining.connections.categories; written by its triggers alone.';

CREATE INDEX connection_categories_category_id_idx
    ON dining.connection_categories (category_id);

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
    'The members of dining.connections.dish_attributes; written by its triggers alone.';

CREATE INDEX connection_attributes_attribute_id_idx
    ON dining.connection_attributes (attribute_id);

INSERT INTO dining.connection_categories (connection_id, category_id)
SELECT
    connection.id,
    unnest(connection.categories)
FROM dining.connections AS connection;

INSERT INTO dining.connection_attributes (connection_id, attribute_id)
SELECT
    connection.id,
    unnest(connection.dish_attributes)
FROM dining.connections AS connection;

CREATE FUNCTION dining.insert_array_members()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO dining.connection_categories (connection_id, category_id)
    SELECT
        added.id,
        unnest(added.categories)
    FROM added;

    INSERT INTO dining.connection_attributes (connection_id, attribute_id)
    SELECT
        added.id,
        unnest(added.dish_attributes)
    FROM added;

    RETURN NULL;
END
$$;

COMMENT ON FUNCTION dining.insert_array_members() IS
    'For AFTER INSERT ON dining.connections REFERENCING NEW TABLE AS added FOR EACH '
    'STATEMENT.';

CREATE FUNCTION dining.update_array_members()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    DELETE FROM dining.connection_categories AS member
    USING before
    INNER JOIN after
        ON after.id = before.id
        AND after.categories <> before.categories
    WHERE
        member.connection_id = before.id
        AND member.category_id <> ALL (after.categories);

    INSERT INTO dining.connection_categories (connection_id, category_id)
    SELECT
        after.id,
        member.id
    FROM after
    INNER JOIN before
        ON before.id = after.id
        AND before.categories <> after.categories
    CROSS JOIN unnest(after.categories) AS member (id)
    WHERE member.id <> ALL (before.categories);

    DELETE FROM dining.connection_attributes AS member
    USING before
    INNER JOIN after
        ON after.id = before.id
        AND after.dish_attributes <> before.dish_attributes
    WHERE
        member.connection_id = before.id
        AND member.attribute_id <> ALL (after.dish_attributes);

    INSERT INTO dining.connection_attributes (connection_id, attribute_id)
    SELECT
        after.id,
        member.id
    FROM after
    INNER JOIN before
        ON before.id = after.id
        AND before.dish_attributes <> after.dish_attributes
    CROSS JOIN unnest(after.dish_attributes) AS member (id)
    WHERE member.id <> ALL (before.dish_attributes);

    RETURN NULL;
END
$$;

COMMENT ON FUNCTION dining.update_array_members() IS
    'For AFTER UPDATE ON dining.connections REFERENCING OLD TABLE AS before NEW TABLE '
    'AS after FOR EACH STATEMENT.';

CREATE TRIGGER connections_insert_array_members
    AFTER INSERT ON dining.connections
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT
    EXECUTE FUNCTION dining.insert_array_members();

CREATE TRIGGER connections_update_array_members
    AFTER UPDATE ON dining.connections
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT
    EXECUTE FUNCTION dining.update_array_members();
