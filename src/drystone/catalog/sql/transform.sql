-- Transforms between types and procedural languages.
SELECT
    format('%s on %I', transform.trftype::regtype, language.lanname) AS name,
    jsonb_build_object(
        'definition', format(
            'CREATE TRANSFORM FOR %s LANGUAGE %I (%s)',
            transform.trftype::regtype,
            language.lanname,
            concat_ws(
                ', ',
                format(
                    'FROM SQL WITH FUNCTION %s',
                    NULLIF(transform.trffromsql, 0)::regprocedure
                ),
                format(
                    'TO SQL WITH FUNCTION %s',
                    NULLIF(transform.trftosql, 0)::regprocedure
                )
            )
        )
    ) AS properties
FROM pg_catalog.pg_transform AS transform
INNER JOIN pg_catalog.pg_language AS language
    ON language.oid = transform.trflang
WHERE NOT EXISTS (
    SELECT
    FROM members
    WHERE
        members.classid = 'pg_catalog.pg_transform'::regclass
        AND members.objid = transform.oid
)
