-- Event triggers.
SELECT
    quote_ident(trigger.evtname) AS name,
    jsonb_strip_nulls(jsonb_build_object(
        'definition', concat_ws(
            E'\n    ',
            format('CREATE EVENT TRIGGER %I', trigger.evtname),
            format('ON %s', trigger.evtevent),
            'WHEN TAG IN (' || (
                SELECT string_agg(
                    quote_literal(tag.name),
                    ', '
                    ORDER BY tag.name COLLATE "C"
                )
                FROM unnest(trigger.evttags) AS tag (name)
            ) || ')',
            format('EXECUTE FUNCTION %s()', trigger.evtfoid::regproc)
        ),
        'enabled', CASE trigger.evtenabled
            WHEN 'O' THEN 'origin'
            WHEN 'R' THEN 'replica'
            WHEN 'A' THEN 'always'
            ELSE 'disabled'
        END,
        'owner', NULLIF(trigger.evtowner, here.owner)::regrole
    )) AS properties
FROM pg_catalog.pg_event_trigger AS trigger
CROSS JOIN here
WHERE NOT EXISTS (
    SELECT
    FROM members
    WHERE
        members.classid = 'pg_catalog.pg_event_trigger'::regclass
        AND members.objid = trigger.oid
)
