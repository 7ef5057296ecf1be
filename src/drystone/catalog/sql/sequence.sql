-- Sequences, also those behind serial and identity columns; where one stands is data.
SELECT
    class.oid::regclass::text AS name,
    jsonb_strip_nulls(jsonb_build_object(
        'type', format_type(sequence.seqtypid, NULL),
        'start', sequence.seqstart,
        'increment', sequence.seqincrement,
        'minimum', sequence.seqmin,
        'maximum', sequence.seqmax,
        'cache', sequence.seqcache,
        'cycle', sequence.seqcycle,
        'persistence', CASE class.relpersistence
            WHEN 'p' THEN 'permanent'
            WHEN 'u' THEN 'unlogged'
            ELSE class.relpersistence::text
        END,
        'owned_by', relations.name || '.' || quote_ident(attribute.attname),
        'identity', owning.deptype = 'i',
        'owner', NULLIF(class.relowner, here.owner)::regrole
    )) AS properties
FROM pg_catalog.pg_sequence AS sequence
INNER JOIN pg_catalog.pg_class AS class
    ON class.oid = sequence.seqrelid
INNER JOIN schemas
    ON schemas.oid = class.relnamespace
CROSS JOIN here
LEFT JOIN pg_catalog.pg_depend AS owning
    ON owning.classid = 'pg_catalog.pg_class'::regclass
    AND owning.objid = class.oid
    AND owning.objsubid = 0
    AND owning.refclassid = 'pg_catalog.pg_class'::regclass
    AND owning.refobjsubid > 0
    AND owning.deptype IN ('a', 'i')
LEFT JOIN relations
    ON relations.oid = owning.refobjid
LEFT JOIN pg_catalog.pg_attribute AS attribute
    ON attribute.attrelid = owning.refobjid
    AND attribute.attnum = owning.refobjsubid
WHERE
    -- A sequence of a table that is left out is left out with it.
    (owning.objid IS NULL OR relations.oid IS NOT NULL)
    AND NOT EXISTS (
        SELECT
        FROM members
        WHERE
            members.classid = 'pg_catalog.pg_class'::regclass
            AND members.objid = class.oid
    )
