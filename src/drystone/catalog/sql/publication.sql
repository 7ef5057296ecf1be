-- Publications, with the tables' column lists and row filters.
SELECT
    quote_ident(publication.pubname) AS name,
    jsonb_strip_nulls(jsonb_build_object(
        'all_tables', publication.puballtables,
        'all_sequences', (newer.fields ->> 'puballsequences')::boolean,
        'operations', to_jsonb(array_remove(
            ARRAY[
                CASE WHEN publication.pubinsert THEN 'insert' END,
                CASE WHEN publication.pubupdate THEN 'update' END,
                CASE WHEN publication.pubdelete THEN 'delete' END,
                CASE WHEN publication.pubtruncate THEN 'truncate' END
            ],
            NULL
        )),
        'via_root', publication.pubviaroot,
        'generated_columns', CASE newer.fields ->> 'pubgencols'
            WHEN 's' THEN 'stored'
            WHEN 'n' THEN 'none'
        END,
        'tables', (
            SELECT jsonb_object_agg(
                relations.name,
                concat(
                    (
                        SELECT format(
                            ' (%s)',
                            string_agg(
                                quote_ident(attribute.attname),
                                ', '
                                ORDER BY attribute.attname COLLATE "C"
                            )
                        )
                        FROM pg_catalog.pg_attribute AS attribute
                        WHERE
                            attribute.attrelid = relations.oid
                            AND attribute.attnum = ANY (listed.prattrs)
                        HAVING listed.prattrs IS NOT NULL
                    ),
                    ' WHERE (' || pg_get_expr(listed.prqual, listed.prrelid) || ')'
                )
            )
            FROM pg_catalog.pg_publication_rel AS listed
            INNER JOIN relations
                ON relations.oid = listed.prrelid
            WHERE listed.prpubid = publication.oid
        ),
        'schemas', (
            SELECT jsonb_agg(schemas.name ORDER BY schemas.name COLLATE "C")
            FROM pg_catalog.pg_publication_namespace AS listed
            INNER JOIN schemas
                ON schemas.oid = listed.pnnspid
            WHERE listed.pnpubid = publication.oid
        ),
        'owner', NULLIF(publication.pubowner, here.owner)::regrole
    )) AS properties
FROM pg_catalog.pg_publication AS publication
CROSS JOIN here
CROSS JOIN LATERAL (
    SELECT to_jsonb(publication)
) AS newer (fields)
WHERE NOT EXISTS (
    SELECT
    FROM members
    WHERE
        members.classid = 'pg_catalog.pg_publication'::regclass
        AND members.objid = publication.oid
)
