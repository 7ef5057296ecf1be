-- depends: shop-0012-create-payment-events
--
-- What visitors do, month by month: a month's partition is made ahead and can be dropped
-- as a whole. What comes without a partition is kept in the default one, and moved when
-- its month gets one.
--
-- Lock: SHARE ROW EXCLUSIVE on shop.users, for the foreign key. Rewrites: none.
-- Rollback: drops the table with all its partitions.

CREATE TABLE shop.analytics (
    id uuid NOT NULL DEFAULT core.new_id(),
    event text NOT NULL,
    user_id uuid,
    session_id text,
    data jsonb NOT NULL DEFAULT '{}',
    page text,
    referrer text,
    user_agent text,
    ip inet,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT analytics_pkey PRIMARY KEY (created_at, id),
    CONSTRAINT analytics_user_id_fkey
        FOREIGN KEY (user_id)
        REFERENCES shop.users (id)
        ON DELETE SET NULL,
    CONSTRAINT analytics_event_check CHECK (char_length(event) BETWEEN 1 AND 100),
    CONSTRAINT analytics_data_check CHECK (jsonb_typeof(data) = 'object')
)
PARTITION BY RANGE (created_at);

COMMENT ON TABLE shop.analytics IS
    'What visitors do: product_view, cart_add, order_placed and whatever else clients '
    'want to count.';

COMMENT ON COLUMN shop.analytics.session_id IS
    'Who it was, as long as nobody has logged in.';

CREATE TABLE shop.analytics_default PARTITION OF shop.analytics DEFAULT;

COMMENT ON TABLE shop.analytics_default IS
    'Events of months that have no partition.';

CREATE INDEX analytics_event_created_at_idx ON shop.analytics (event, created_at);

CREATE INDEX analytics_user_id_created_at_idx
    ON shop.analytics (user_id, created_at)
    WHERE user_id IS NOT NULL;

CREATE INDEX analytics_session_id_idx
    ON shop.analytics (session_id)
    WHERE session_id IS NOT NULL;

-- The default partition is locked first: nobody may put a row of the month into it
-- between the move and the attachment.
CREATE FUNCTION shop.ensure_partitions(months integer)
RETURNS integer
LANGUAGE plpgsql
VOLATILE
AS $$
DECLARE
    this_month CONSTANT timestamp := date_trunc('month', now() AT TIME ZONE 'UTC');
    first_day timestamp;
    partition_name text;
    made integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('shop.ensure_partitions', 0));

    FOR ahead IN 0..months - 1 LOOP
        first_day := this_month + make_interval(months => ahead);
        partition_name := to_char(first_day, '"analytics_"YYYY_MM');

        CONTINUE WHEN to_regclass(format('shop.%I', partition_name)) IS NOT NULL;

        LOCK TABLE shop.analytics_default IN ACCESS EXCLUSIVE MODE;

        EXECUTE format(
            'CREATE TABLE shop.%I (LIKE shop.analytics INCLUDING DEFAULTS '
            'INCLUDING CONSTRAINTS)',
            partition_name
        );

        EXECUTE format(
            'WITH moved AS (
                DELETE FROM shop.analytics_default
                WHERE created_at >= $1 AND created_at < $2
                RETURNING *
            )
            INSERT INTO shop.%I
            TABLE moved',
            partition_name
        )
        USING
            first_day AT TIME ZONE 'UTC',
            (first_day + INTERVAL '1 month') AT TIME ZONE 'UTC';

        EXECUTE format(
            'ALTER TABLE shop.analytics ATTACH PARTITION shop.%I
            FOR VALUES FROM (%L) TO (%L)',
            partition_name,
            first_day AT TIME ZONE 'UTC',
            (first_day + INTERVAL '1 month') AT TIME ZONE 'UTC'
        );

        made := made + 1;
    END LOOP;

    RETURN made;
END
$$;

COMMENT ON FUNCTION shop.ensure_partitions(integer) IS
    'Makes the partitions of this month and the next ones, so many in all, each a month '
    'in UTC; returns how many were missing.';
