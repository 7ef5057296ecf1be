-- Operators.
SELECT
    operator.oid::regoperator::text AS name,
    jsonb_strip_nulls(jsonb_build_object(
        'definition', format(
            E'CREATE OPERATOR %s.%s (\n    %s\n)',
            schemas.name,
            operator.oprname,
            concat_ws(
                E',\n    ',
                format('FUNCTION = %s', operator.oprcode),
                'LEFTARG = ' || NULLIF(operator.oprleft, 0)::regtype,
                'RIGHTARG = ' || NULLIF(operator.oprright, 0)::regtype,
                'COMMUTATOR = OPERATOR(' || commutator.name || ')',
                'NEGATOR = OPERATOR(' || negator.name || ')',
                'RESTRICT = ' || NULLIF(operator.oprrest, 0)::regproc,
                'JOIN = ' || NULLIF(operator.oprjoin, 0)::regproc,
                CASE WHEN operator.oprcanhash THEN 'HASHES' END,
                CASE WHEN operator.oprcanmerge THEN 'MERGES' END
            )
        ),
        'owner', NULLIF(operator.oprowner, here.owner)::regrole
    )) AS properties
FROM pg_catalog.pg_operator AS operator
INNER JOIN schemas
    ON schemas.oid = operator.oprnamespace
CROSS JOIN here
LEFT JOIN LATERAL (
    SELECT format('%s.%s', other.oprnamespace::regnamespace, other.oprname) AS name
    FROM pg_catalog.pg_operator AS other
    WHERE other.oid = operator.oprcom
) AS commutator
    ON true
LEFT JOIN LATERAL (
    SELECT format('%s.%s', other.oprnamespace::regnamespace, other.oprname) AS name
    FROM pg_catalog.pg_operator AS other
    WHERE other.oid = operator.oprnegate
) AS negator
    ON true
WHERE NOT EXISTS (
    SELECT
    FROM members
    WHERE
        members.classid = 'pg_catalog.pg_operator'::regclass
        AND members.objid = operator.oid
)
