-- Comments on whatever a database holds. What initdb made has an oid below 16384, the
-- schema public apart.
SELECT
    concat(identified.type, ' ', named.object) AS name,
    jsonb_strip_nulls(jsonb_build_object(
        'type', identified.type,
        'object', named.object,
        'text', comment.description
    )) AS properties
FROM pg_catalog.pg_description AS comment
LEFT JOIN pg_catalog.pg_index AS index
    ON comment.classoid = 'pg_catalog.pg_class'::regclass
    AND comment.objoid = index.indexrelid
LEFT JOIN pg_catalog.pg_class AS class
    ON class.oid = coalesce(
        index.indrelid,
        CASE comment.classoid
            WHEN 'pg_catalog.pg_class'::regclass THEN comment.objoid
            WHEN 'pg_catalog.pg_constraint'::regclass
                THEN (
                    SELECT conrelid
                    FROM pg_catalog.pg_constraint
                    WHERE oid = comment.objoid
                )
            WHEN 'pg_catalog.pg_trigger'::regclass
                THEN (
                    SELECT tgrelid
                    FROM pg_catalog.pg_trigger
                    WHERE oid = comment.objoid
                )
            WHEN 'pg_catalog.pg_policy'::regclass
                THEN (
                    SELECT polrelid
                    FROM pg_catalog.pg_policy
                    WHERE oid = comment.objoid
                )
            WHEN 'pg_catalog.pg_rewrite'::regclass
                THEN (
                    SELECT ev_class
                    FROM pg_catalog.pg_rewrite
                    WHERE oid = comment.objoid
                )
        END
    )
LEFT JOIN relations
    ON relations.oid = class.oid
CROSS JOIN LATERAL
    pg_identify_object(comment.classoid, comment.objoid, comment.objsubid) AS identified
CROSS JOIN LATERAL (
    SELECT CASE comment.classoid
        WHEN 'pg_catalog.pg_proc'::regclass THEN comment.objoid::regprocedure::text
        WHEN 'pg_catalog.pg_operator'::regclass THEN comment.objoid::regoperator::text
        ELSE identified.identity
    END
) AS named (object)
WHERE
    (
        comment.objoid >= 16384
        OR (
            comment.classoid = 'pg_catalog.pg_namespace'::regclass
            AND comment.objoid = 'public'::regnamespace
        )
    )
    AND (
        class.oid IS NULL
        OR class.relkind IN ('c', 'S')
        OR relations.oid IS NOT NULL
    )
    AND NOT EXISTS (
        SELECT
        FROM members
        WHERE
            members.classid = comment.classoid
            AND members.objid = comment.objoid
    )
