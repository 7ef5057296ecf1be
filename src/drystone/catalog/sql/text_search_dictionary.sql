-- Text search dictionaries.
SELECT
    format('%s.%I', schemas.name, dictionary.dictname) AS name,
    jsonb_strip_nulls(jsonb_build_object(
        'definition', format(
            'CREATE TEXT SEARCH DICTIONARY %s.%I (%s)',
            schemas.name,
            dictionary.dictname,
            concat_ws(
                ', ',
                format(
                    'TEMPLATE = %s.%I',
                    template.tmplnamespace::regnamespace,
                    template.tmplname
                ),
                dictionary.dictinitoption
            )
        ),
        'owner', NULLIF(dictionary.dictowner, here.owner)::regrole
    )) AS properties
FROM pg_catalog.pg_ts_dict AS dictionary
INNER JOIN schemas
    ON schemas.oid = dictionary.dictnamespace
INNER JOIN pg_catalog.pg_ts_template AS template
    ON template.oid = dictionary.dicttemplate
CROSS JOIN here
WHERE NOT EXISTS (
    SELECT
    FROM members
    WHERE
        members.classid = 'pg_catalog.pg_ts_dict'::regclass
        AND members.objid = dictionary.oid
)
