-- Triggers that somebody created; those that constraints are made of are not listed.
SELECT
    concat(quote_ident(trigger.tgname), ' on ', relations.name) AS name,
    jsonb_strip_nulls(jsonb_build_object(
        'table', relations.name,
        'definition', pg_get_triggerdef(trigger.oid),
        'enabled', CASE trigger.tgenabled
            WHEN 'O' THEN 'origin'
            WHEN 'R' THEN 'replica'
            WHEN 'A' THEN 'always'
            ELSE 'disabled'
        END,
        'inherited', NULLIF(trigger.tgparentid <> 0, false)
    )) AS properties
FROM pg_catalog.pg_trigger AS trigger
INNER JOIN relations
    ON relations.oid = trigger.tgrelid
WHERE NOT trigger.tgisinternal
