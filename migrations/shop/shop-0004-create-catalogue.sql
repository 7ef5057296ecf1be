-- depends: shop-0003-create-nextauth-views
--
-- What is sold: categories in a tree, products, and their variants.
--
-- What sells and how it is rated stands in a table of its own beside the products: it
-- changes often, and a product's row, with its text indexes, is dear to write.
--
-- Lock: none on a live table. Rewrites: none.
-- Rollback: drops the tables, and the whole catalogue with them.

CREATE TABLE shop.categories (
    id uuid NOT NULL DEFAULT core.new_id(),
    name text NOT NULL,
    slug text NOT NULL,
    description text,
    image text,
    parent_id uuid,
    is_active boolean NOT NULL DEFAULT true,
    sort_order integer NOT NULL DEFAULT 0,
    meta_title text,
    meta_description text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT categories_pkey PRIMARY KEY (id),
    CONSTRAINT categories_name_key UNIQUE (name),
    CONSTRAINT categories_slug_key UNIQUE (slug),
    CONSTRAINT categories_parent_id_fkey
        FOREIGN KEY (parent_id)
        REFERENCES shop.categories (id)
        ON DELETE RESTRICT,
    CONSTRAINT categories_name_check CHECK (char_length(btrim(name)) BETWEEN 1 AND 255),
    CONSTRAINT categories_slug_check CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    CONSTRAINT categories_parent_id_check CHECK (parent_id <> id)
);

COMMENT ON TABLE shop.categories IS
    'The shelves of the shop; each may stand in another one.';

COMMENT ON COLUMN shop.categories.sort_order IS
    'The place among those with the same parent; smaller is first.';

CREATE INDEX categories_parent_id_sort_order_idx
    ON shop.categories (parent_id, sort_order);

CREATE TRIGGER categories_set_updated_at
    BEFORE UPDATE ON shop.categories
    FOR EACH ROW
    EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER categories_audit
    AFTER INSERT OR UPDATE OR DELETE ON shop.categories
    FOR EACH ROW
    EXECUTE FUNCTION core.audit_row();

-- One who moves categories waits for the other, before either locks a row: each then
-- sees what the other made of the tree.
CREATE FUNCTION shop.lock_category_tree()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('shop.categories', 0));

    RETURN NULL;
END
$$;

COMMENT ON FUNCTION shop.lock_category_tree() IS
    'For BEFORE INSERT OR UPDATE OF parent_id ... FOR EACH STATEMENT: lets one '
    'transaction at a time change the tree.';

CREATE TRIGGER categories_lock_tree
    BEFORE INSERT OR UPDATE OF id, parent_id ON shop.categories
    FOR EACH STATEMENT
    EXECUTE FUNCTION shop.lock_category_tree();

-- FOR SHARE makes a snapshot that is older than a change of the tree fail to be
-- serialized, under REPEATABLE READ, where the walk would otherwise be in an old tree.
CREATE FUNCTION shop.require_acyclic_category()
RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    ancestor uuid := NEW.parent_id;
BEGIN
    WHILE ancestor IS NOT NULL LOOP
        IF ancestor = NEW.id THEN
            RAISE EXCEPTION 'a category cannot stand in itself, nor in what is in it'
                USING
                    ERRCODE = 'check_violation',
                    HINT = 'Choose a parent outside of the category.',
                    SCHEMA = TG_TABLE_SCHEMA,
                    TABLE = TG_TABLE_NAME,
                    CONSTRAINT = TG_NAME;
        END IF;

        SELECT category.parent_id
        INTO ancestor
        FROM shop.categories AS category
        WHERE category.id = ancestor
        FOR SHARE;
    END LOOP;

    RETURN NULL;
END
$$;

COMMENT ON FUNCTION shop.require_acyclic_category() IS
    'For categories: refuses a parent that is the category itself or stands in it.';

-- AFTER, so that one statement may also move many: each row sees all that it did.
CREATE TRIGGER categories_parent_id_acyclic
    AFTER INSERT OR UPDATE OF id, parent_id ON shop.categories
    FOR EACH ROW
    WHEN (NEW.parent_id IS NOT NULL)
    EXECUTE FUNCTION shop.require_acyclic_category();

CREATE TABLE shop.products (
    id uuid NOT NULL DEFAULT core.new_id(),
    category_id uuid NOT NULL,
    name text NOT NULL,
    slug text NOT NULL,
    description text NOT NULL,
    short_description text,
    sku text NOT NULL,
    barcode text,
    price numeric(10, 2) NOT NULL,
    compare_price numeric(10, 2),
    cost_price numeric(10, 2),
    images text[] NOT NULL DEFAULT '{}',
    thumbnail text,
    track_quantity boolean NOT NULL DEFAULT true,
    low_stock_threshold integer NOT NULL DEFAULT 5,
    is_active boolean NOT NULL DEFAULT true,
    is_featured boolean NOT NULL DEFAULT false,
    is_digital boolean NOT NULL DEFAULT false,
    weight numeric(8, 2),
    length numeric(8, 2),
    width numeric(8, 2),
    height numeric(8, 2),
    meta_title text,
    meta_description text,
    embedding public.vector(384),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    fts tsvector NOT NULL
        GENERATED ALWAYS AS (
            setweight(to_tsvector('pg_catalog.english', name), 'A')
            || setweight(to_tsvector('pg_catalog.simple', sku), 'A')
            || setweight(
                to_tsvector('pg_catalog.english', coalesce(short_description, '')),
                'B'
            )
            || setweight(to_tsvector('pg_catalog.english', description), 'C')
        ) STORED,
    name_trigrams text[] NOT NULL
        GENERATED ALWAYS AS (core.trigrams(name)) STORED,
    CONSTRAINT products_pkey PRIMARY KEY (id),
    CONSTRAINT products_slug_key UNIQUE (slug),
    CONSTRAINT products_sku_key UNIQUE (sku),
    CONSTRAINT products_category_id_fkey
        FOREIGN KEY (category_id)
        REFERENCES shop.categories (id)
        ON DELETE RESTRICT,
    CONSTRAINT products_name_check CHECK (char_length(btrim(name)) BETWEEN 1 AND 255),
    CONSTRAINT products_slug_check CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    CONSTRAINT products_sku_check CHECK (char_length(btrim(sku)) BETWEEN 1 AND 100),
    CONSTRAINT products_price_check CHECK (price >= 0),
    CONSTRAINT products_compare_price_check CHECK (compare_price >= price),
    CONSTRAINT products_cost_price_check CHECK (cost_price >= 0),
    CONSTRAINT products_low_stock_threshold_check CHECK (low_stock_threshold >= 0),
    CONSTRAINT products_weight_check CHECK (weight >= 0),
    CONSTRAINT products_length_check CHECK (length >= 0),
    CONSTRAINT products_width_check CHECK (width >= 0),
    CONSTRAINT products_height_check CHECK (height >= 0),
    CONSTRAINT products_embedding_check CHECK (public.vector_norm(embedding) > 0)
);

COMMENT ON TABLE shop.products IS
    'What is, or was, for sale; its slug and SKU are never given to another.';

COMMENT ON COLUMN shop.products.compare_price IS
    'What it cost before; shown crossed out.';

COMMENT ON COLUMN shop.products.track_quantity IS
    'Whether there is a stock that can run out.';

COMMENT ON COLUMN shop.products.low_stock_threshold IS
    'As soon as no more than so many are available, somebody should order more.';

COMMENT ON COLUMN shop.products.weight IS
    'In kilograms; length, width and height are in centimetres.';

COMMENT ON COLUMN shop.products.embedding IS
    'Embedding of name and description; cosine distance. The zero vector has no '
    'direction and is refused.';

COMMENT ON COLUMN shop.products.fts IS
    'Name and SKU (weight A), short description (B), description (C).';

COMMENT ON COLUMN shop.products.name_trigrams IS
    'Trigrams of the name, for candidates by similarity.';

CREATE INDEX products_category_id_price_id_idx
    ON shop.products (category_id, price, id)
    WHERE is_active AND deleted_at IS NULL;

-- Deleting a category asks for its products whether they are active or not.
CREATE INDEX products_category_id_idx ON shop.products (category_id);

CREATE INDEX products_price_id_idx
    ON shop.products (price, id)
    WHERE is_active AND deleted_at IS NULL;

CREATE INDEX products_created_at_id_idx
    ON shop.products (created_at, id)
    WHERE is_active AND deleted_at IS NULL;

CREATE INDEX products_featured_created_at_id_idx
    ON shop.products (created_at, id)
    WHERE is_featured AND is_active AND deleted_at IS NULL;

-- Bytewise, so that the names with a prefix are one stretch of it, in any locale.
CREATE INDEX products_lower_name_id_idx
    ON shop.products ((lower(name) COLLATE "C"), id)
    WHERE is_active AND deleted_at IS NULL;

CREATE INDEX products_fts_idx
    ON shop.products USING gin (fts)
    WHERE is_active AND deleted_at IS NULL;

CREATE INDEX products_name_trigrams_idx
    ON shop.products USING gin (name_trigrams)
    WHERE is_active AND deleted_at IS NULL;

CREATE INDEX products_embedding_idx
    ON shop.products USING hnsw (embedding public.vector_cosine_ops)
    WHERE is_active AND deleted_at IS NULL;

CREATE TRIGGER products_set_updated_at
    BEFORE UPDATE ON shop.products
    FOR EACH ROW
    EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER products_audit
    AFTER INSERT OR UPDATE OR DELETE ON shop.products
    FOR EACH ROW
    EXECUTE FUNCTION core.audit_row('embedding');

CREATE TABLE shop.product_variants (
    id uuid NOT NULL DEFAULT core.new_id(),
    product_id uuid NOT NULL,
    name text NOT NULL,
    sku text NOT NULL,
    price numeric(10, 2),
    attributes jsonb NOT NULL DEFAULT '{}',
    image text,
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT product_variants_pkey PRIMARY KEY (id),
    CONSTRAINT product_variants_sku_key UNIQUE (sku),
    CONSTRAINT product_variants_product_id_id_key UNIQUE (product_id, id),
    CONSTRAINT product_variants_product_id_attributes_key
        UNIQUE (product_id, attributes),
    CONSTRAINT product_variants_product_id_fkey
        FOREIGN KEY (product_id)
        REFERENCES shop.products (id)
        ON DELETE CASCADE,
    CONSTRAINT product_variants_name_check
        CHECK (char_length(btrim(name)) BETWEEN 1 AND 255),
    CONSTRAINT product_variants_sku_check
        CHECK (char_length(btrim(sku)) BETWEEN 1 AND 100),
    CONSTRAINT product_variants_price_check CHECK (price >= 0),
    CONSTRAINT product_variants_attributes_check
        CHECK (jsonb_typeof(attributes) = 'object')
);

COMMENT ON TABLE shop.product_variants IS
    'A product in one colour, size and so on.';

COMMENT ON COLUMN shop.product_variants.price IS
    'NULL if it costs what the product does.';

COMMENT ON COLUMN shop.product_variants.attributes IS
    'What tells it from the others, such as {"color": "black"}.';

CREATE INDEX product_variants_attributes_idx
    ON shop.product_variants USING gin (attributes jsonb_path_ops);

CREATE TRIGGER product_variants_set_updated_at
    BEFORE UPDATE ON shop.product_variants
    FOR EACH ROW
    EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER product_variants_audit
    AFTER INSERT OR UPDATE OR DELETE ON shop.product_variants
    FOR EACH ROW
    EXECUTE FUNCTION core.audit_row();

CREATE TABLE shop.product_stats (
    product_id uuid NOT NULL,
    rating_count integer NOT NULL DEFAULT 0,
    rating_sum integer NOT NULL DEFAULT 0,
    sold bigint NOT NULL DEFAULT 0,
    rating numeric(3, 2) NOT NULL
        GENERATED ALWAYS AS (
            CASE rating_count WHEN 0 THEN 0 ELSE rating_sum / rating_count::numeric END
        ) STORED,
    CONSTRAINT product_stats_pkey PRIMARY KEY (product_id),
    CONSTRAINT product_stats_product_id_fkey
        FOREIGN KEY (product_id)
        REFERENCES shop.products (id)
        ON DELETE CASCADE,
    CONSTRAINT product_stats_rating_count_check CHECK (rating_count >= 0),
    CONSTRAINT product_stats_rating_sum_check
        CHECK (rating_sum BETWEEN rating_count AND 5 * rating_count),
    CONSTRAINT product_stats_sold_check CHECK (sold >= 0)
)
WITH (fillfactor = 80);

COMMENT ON TABLE shop.product_stats IS
    'How a product is rated and how often it was sold: one row for each product, kept '
    'by triggers on reviews and orders.';

COMMENT ON COLUMN shop.product_stats.rating IS
    'The mean of the reviews that are approved; 0 without any.';

COMMENT ON COLUMN shop.product_stats.sold IS
    'How many were paid for and not given back.';

CREATE INDEX product_stats_rating_product_id_idx
    ON shop.product_stats (rating, product_id);

CREATE INDEX product_stats_sold_product_id_idx
    ON shop.product_stats (sold, product_id);

CREATE FUNCTION shop.add_product_stats()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO shop.product_stats (product_id)
    VALUES (NEW.id);

    RETURN NULL;
END
$$;

COMMENT ON FUNCTION shop.add_product_stats() IS
    'For products: gives each new one its row of figures.';

CREATE TRIGGER products_add_stats
    AFTER INSERT ON shop.products
    FOR EACH ROW
    EXECUTE FUNCTION shop.add_product_stats();
