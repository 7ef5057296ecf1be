-- Operator families: the operators and functions, also those that an operator class
-- of the family brought along.
SELECT
    format('%s.%I USING %I', schemas.name, family.opfname, method.amname) AS name,
    jsonb_strip_nulls(jsonb_build_object(
        'operators', (
            SELECT jsonb_agg(
                listed.operator
                ORDER BY listed.strategy, listed.operator COLLATE "C"
            )
            FROM (
                SELECT
                    amop.amopstrategy AS strategy,
                    format(
                        'OPERATOR %s %s%s',
                        amop.amopstrategy,
                        amop.amopopr::regoperator,
                        ' FOR ORDER BY ' || sorting.opfnamespace::regnamespace
                            || '.' || quote_ident(sorting.opfname)
                    ) AS operator
                FROM pg_catalog.pg_amop AS amop
                LEFT JOIN pg_catalog.pg_opfamily AS sorting
                    ON sorting.oid = amop.amopsortfamily
                WHERE amop.amopfamily = family.oid
            ) AS listed
        ),
        'functions', (
            SELECT jsonb_agg(
                listed.function
                ORDER BY listed.support, listed.function COLLATE "C"
            )
            FROM (
                SELECT
                    amproc.amprocnum AS support,
                    format(
                        'FUNCTION %s (%s, %s) %s',
                        amproc.amprocnum,
                        amproc.amproclefttype::regtype,
                        amproc.amprocrighttype::regtype,
                        amproc.amproc::regprocedure
                    ) AS function
                FROM pg_catalog.pg_amproc AS amproc
                WHERE amproc.amprocfamily = family.oid
            ) AS listed
        ),
        'owner', NULLIF(family.opfowner, here.owner)::regrole
    )) AS properties
FROM pg_catalog.pg_opfamily AS family
INNER JOIN schemas
    ON schemas.oid = family.opfnamespace
INNER JOIN pg_catalog.pg_am AS method
    ON method.oid = family.opfmethod
CROSS JOIN here
WHERE NOT EXISTS (
    SELECT
    FROM members
    WHERE
        members.classid = 'pg_catalog.pg_opfamily'::regclass
        AND members.objid = family.oid
)
