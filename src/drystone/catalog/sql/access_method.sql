-- Access methods. Those that initdb made have an oid below 16384.
SELECT
    quote_ident(method.amname) AS name,
    jsonb_build_object(
        'definition', format(
            'CREATE ACCESS METHOD %I TYPE %s HANDLER %s',
            method.amname,
            CASE method.amtype WHEN 'i' THEN 'INDEX' ELSE 'TABLE' END,
            method.amhandler
        )
    ) AS properties
FROM pg_catalog.pg_am AS method
WHERE
    method.oid >= 16384
    AND NOT EXISTS (
        SELECT
        FROM members
        WHERE
            members.classid = 'pg_catalog.pg_am'::regclass
            AND members.objid = method.oid
    )
