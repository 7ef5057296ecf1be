-- Text search templates.
SELECT
    format('%s.%I', schemas.name, template.tmplname) AS name,
    jsonb_build_object(
        'definition', format(
            'CREATE TEXT SEARCH TEMPLATE %s.%I (%s)',
            schemas.name,
            template.tmplname,
            concat_ws(
                ', ',
                'INIT = ' || NULLIF(template.tmplinit, 0)::regproc,
                format('LEXIZE = %s', template.tmpllexize)
            )
        )
    ) AS properties
FROM pg_catalog.pg_ts_template AS template
INNER JOIN schemas
    ON schemas.oid = template.tmplnamespace
WHERE NOT EXISTS (
    SELECT
    FROM members
    WHERE
        members.classid = 'pg_catalog.pg_ts_template'::regclass
        AND members.objid = template.oid
)
