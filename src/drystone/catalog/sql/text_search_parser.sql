-- Text search parsers.
SELECT
    format('%s.%I', schemas.name, parser.prsname) AS name,
    jsonb_build_object(
        'definition', format(
            'CREATE TEXT SEARCH PARSER %s.%I (%s)',
            schemas.name,
            parser.prsname,
            concat_ws(
                ', ',
                format('START = %s', parser.prsstart),
                format('GETTOKEN = %s', parser.prstoken),
                format('END = %s', parser.prsend),
                format('LEXTYPES = %s', parser.prslextype),
                'HEADLINE = ' || NULLIF(parser.prsheadline, 0)::regproc
            )
        )
    ) AS properties
FROM pg_catalog.pg_ts_parser AS parser
INNER JOIN schemas
    ON schemas.oid = parser.prsnamespace
WHERE NOT EXISTS (
    SELECT
    FROM members
    WHERE
        members.classid = 'pg_catalog.pg_ts_parser'::regclass
        AND members.objid = parser.oid
)
