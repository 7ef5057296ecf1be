-- Text search configurations, and which dictionaries each kind of token goes through.
SELECT
    format('%s.%I', schemas.name, configuration.cfgname) AS name,
    jsonb_strip_nulls(jsonb_build_object(
        'parser', format(
            '%s.%I',
            parser.prsnamespace::regnamespace,
            parser.prsname
        ),
        'mappings', (
            SELECT jsonb_object_agg(mapped.token, mapped.dictionaries)
            FROM (
                SELECT
                    token.alias AS token,
                    string_agg(
                        mapping.mapdict::regdictionary::text,
                        ', '
                        ORDER BY mapping.mapseqno
                    ) AS dictionaries
                FROM pg_catalog.pg_ts_config_map AS mapping
                INNER JOIN ts_token_type(parser.oid) AS token
                    ON token.tokid = mapping.maptokentype
                WHERE mapping.mapcfg = configuration.oid
                GROUP BY token.alias
            ) AS mapped
        ),
        'owner', NULLIF(configuration.cfgowner, here.owner)::regrole
    )) AS properties
FROM pg_catalog.pg_ts_config AS configuration
INNER JOIN schemas
    ON schemas.oid = configuration.cfgnamespace
INNER JOIN pg_catalog.pg_ts_parser AS parser
    ON parser.oid = configuration.cfgparser
CROSS JOIN here
WHERE NOT EXISTS (
    SELECT
    FROM members
    WHERE
        members.classid = 'pg_catalog.pg_ts_config'::regclass
        AND members.objid = configuration.oid
)
