-- Operator classes; their operators and functions are listed with the family.
SELECT
    format('%s.%I USING %I', schemas.name, class.opcname, method.amname) AS name,
    jsonb_strip_nulls(jsonb_build_object(
        'definition', concat_ws(
            E'\n    ',
            format('CREATE OPERATOR CLASS %s.%I', schemas.name, class.opcname),
            concat(
                CASE WHEN class.opcdefault THEN 'DEFAULT ' END,
                format('FOR TYPE %s USING %I', class.opcintype::regtype, method.amname)
            ),
            format('FAMILY %s.%I', family.opfnamespace::regnamespace, family.opfname),
            format(
                'AS STORAGE %s',
                coalesce(NULLIF(class.opckeytype, 0), class.opcintype)::regtype
            )
        ),
        'owner', NULLIF(class.opcowner, here.owner)::regrole
    )) AS properties
FROM pg_catalog.pg_opclass AS class
INNER JOIN schemas
    ON schemas.oid = class.opcnamespace
INNER JOIN pg_catalog.pg_am AS method
    ON method.oid = class.opcmethod
INNER JOIN pg_catalog.pg_opfamily AS family
    ON family.oid = class.opcfamily
CROSS JOIN here
WHERE NOT EXISTS (
    SELECT
    FROM members
    WHERE
        members.classid = 'pg_catalog.pg_opclass'::regclass
        AND members.objid = class.oid
)
