-- Grants: for each object and grantee what was given beyond, and what was taken from,
-- the rights that such an object is born with. Objects without an access list have
-- those and nothing else. Who granted is left out.
SELECT
    concat_ws(' ', listed.kind, listed.object, 'to', listed.grantee) AS name,
    jsonb_strip_nulls(jsonb_build_object(
        'kind', listed.kind,
        'object', listed.object,
        'grantee', listed.grantee,
        'granted', jsonb_agg(
            listed.privilege
                || CASE WHEN listed.grantable THEN ' WITH GRANT OPTION' ELSE '' END
            ORDER BY listed.privilege COLLATE "C"
        ) FILTER (WHERE listed.given),
        'revoked', jsonb_agg(
            listed.privilege
            ORDER BY listed.privilege COLLATE "C"
        ) FILTER (WHERE NOT listed.given)
    )) AS properties
FROM (
    SELECT
        item.kind,
        item.object,
        CASE entry.grantee
            WHEN 0 THEN 'PUBLIC'
            ELSE entry.grantee::regrole::text
        END AS grantee,
        entry.privilege_type AS privilege,
        bool_or(entry.is_grantable) AS grantable,
        bool_or(entry.given) AS given
    FROM (
        SELECT
            'schema' AS kind,
            schemas.name AS object,
            namespace.nspacl AS acl,
            coalesce(
                (
                    SELECT initial.initprivs
                    FROM pg_catalog.pg_init_privs AS initial
                    WHERE
                        initial.classoid = 'pg_catalog.pg_namespace'::regclass
                        AND initial.objoid = namespace.oid
                        AND initial.privtype = 'i'
                ),
                acldefault('n', namespace.nspowner)
            ) AS initial
        FROM schemas
        INNER JOIN pg_catalog.pg_namespace AS namespace
            ON namespace.oid = schemas.oid
        WHERE
            namespace.nspacl IS NOT NULL
            AND NOT EXISTS (
                SELECT
                FROM members
                WHERE
                    members.classid = 'pg_catalog.pg_namespace'::regclass
                    AND members.objid = namespace.oid
            )
        UNION ALL
        SELECT
            'table',
            relations.name,
            class.relacl,
            acldefault('r', class.relowner)
        FROM relations
        INNER JOIN pg_catalog.pg_class AS class
            ON class.oid = relations.oid
        WHERE class.relacl IS NOT NULL
        UNION ALL
        SELECT
            'column',
            relations.name || '.' || quote_ident(attribute.attname),
            attribute.attacl,
            acldefault('c', class.relowner)
        FROM relations
        INNER JOIN pg_catalog.pg_class AS class
            ON class.oid = relations.oid
        INNER JOIN pg_catalog.pg_attribute AS attribute
            ON attribute.attrelid = relations.oid
        WHERE
            attribute.attacl IS NOT NULL
            AND NOT attribute.attisdropped
        UNION ALL
        SELECT
            'sequence',
            class.oid::regclass::text,
            class.relacl,
            acldefault('s', class.relowner)
        FROM pg_catalog.pg_class AS class
        INNER JOIN schemas
            ON schemas.oid = class.relnamespace
        WHERE
            class.relkind = 'S'
            AND class.relacl IS NOT NULL
            AND NOT EXISTS (
                SELECT
                FROM members
                WHERE
                    members.classid = 'pg_catalog.pg_class'::regclass
                    AND members.objid = class.oid
            )
        UNION ALL
        SELECT
            'routine',
            function.oid::regprocedure::text,
            function.proacl,
            acldefault('f', function.proowner)
        FROM pg_catalog.pg_proc AS function
        INNER JOIN schemas
            ON schemas.oid = function.pronamespace
        WHERE
            function.proacl IS NOT NULL
            AND NOT EXISTS (
                SELECT
                FROM members
                WHERE
                    members.classid = 'pg_catalog.pg_proc'::regclass
                    AND members.objid = function.oid
            )
        UNION ALL
        SELECT
            'type',
            type.oid::regtype::text,
            type.typacl,
            acldefault('T', type.typowner)
        FROM pg_catalog.pg_type AS type
        INNER JOIN schemas
            ON schemas.oid = type.typnamespace
        WHERE
            type.typacl IS NOT NULL
            AND NOT EXISTS (
                SELECT
                FROM members
                WHERE
                    members.classid = 'pg_catalog.pg_type'::regclass
                    AND members.objid = type.oid
            )
        UNION ALL
        SELECT
            'language',
            quote_ident(language.lanname),
            language.lanacl,
            acldefault('l', language.lanowner)
        FROM pg_catalog.pg_language AS language
        WHERE
            language.lanacl IS NOT NULL
            AND language.oid >= 16384
        UNION ALL
        SELECT
            'foreign data wrapper',
            quote_ident(wrapper.fdwname),
            wrapper.fdwacl,
            acldefault('F', wrapper.fdwowner)
        FROM pg_catalog.pg_foreign_data_wrapper AS wrapper
        WHERE wrapper.fdwacl IS NOT NULL
        UNION ALL
        SELECT
            'foreign server',
            quote_ident(server.srvname),
            server.srvacl,
            acldefault('S', server.srvowner)
        FROM pg_catalog.pg_foreign_server AS server
        WHERE server.srvacl IS NOT NULL
    ) AS item
    CROSS JOIN LATERAL (
        SELECT
            grantee,
            privilege_type,
            is_grantable,
            true AS given,
            false AS born
        FROM aclexplode(item.acl)
        UNION ALL
        SELECT
            grantee,
            privilege_type,
            false,
            false,
            true
        FROM aclexplode(item.initial)
    ) AS entry
    GROUP BY
        item.kind,
        item.object,
        entry.grantee,
        entry.privilege_type
    HAVING
        bool_or(entry.given) <> bool_or(entry.born)
        OR bool_or(entry.is_grantable)
) AS listed
GROUP BY
    listed.kind,
    listed.object,
    listed.grantee
