-- Rules; the one that makes a view a view is the view's definition.
SELECT
    concat(quote_ident(rule.rulename), ' on ', relations.name) AS name,
    jsonb_strip_nulls(jsonb_build_object(
        'table', relations.name,
        'definition', rtrim(pg_get_ruledef(rule.oid), ';'),
        'enabled', CASE rule.ev_enabled
            WHEN 'O' THEN 'origin'
            WHEN 'R' THEN 'replica'
            WHEN 'A' THEN 'always'
            ELSE 'disabled'
        END
    )) AS properties
FROM pg_catalog.pg_rewrite AS rule
INNER JOIN relations
    ON relations.oid = rule.ev_class
WHERE rule.rulename <> '_RETURN'
