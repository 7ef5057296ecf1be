-- Constraints of tables and domains. The definition says also whether a constraint is
-- deferrable, validated and enforced; how its index is built is said by the index.
SELECT
    concat(
        quote_ident(constr.conname),
        ' on ',
        coalesce(relations.name, domain.oid::regtype::text)
    ) AS name,
    jsonb_strip_nulls(jsonb_build_object(
        'table', relations.name,
        'domain', domain.oid::regtype,
        'type', CASE constr.contype
            WHEN 'c' THEN 'check'
            WHEN 'f' THEN 'foreign key'
            WHEN 'n' THEN 'not null'
            WHEN 'p' THEN 'primary key'
            WHEN 't' THEN 'trigger'
            WHEN 'u' THEN 'unique'
            WHEN 'x' THEN 'exclusion'
        END,
        'definition', pg_get_constraintdef(constr.oid),
        'inherited', CASE
            WHEN constr.coninhcount = 0 THEN NULL
            WHEN constr.conislocal THEN 'and local'
            ELSE 'only'
        END,
        -- A foreign key holds by triggers, and ALTER TABLE can switch them off.
        'triggers', (
            SELECT jsonb_agg(DISTINCT CASE trigger.tgenabled
                WHEN 'D' THEN 'disabled'
                WHEN 'R' THEN 'replica'
                ELSE 'always'
            END)
            FROM pg_catalog.pg_trigger AS trigger
            WHERE
                constr.contype = 'f'
                AND trigger.tgconstraint = constr.oid
                AND trigger.tgenabled <> 'O'
        )
    )) AS properties
FROM pg_catalog.pg_constraint AS constr
LEFT JOIN relations
    ON relations.oid = constr.conrelid
LEFT JOIN (
    pg_catalog.pg_type AS domain
    INNER JOIN schemas
        ON schemas.oid = domain.typnamespace
)
    ON domain.oid = constr.contypid
    AND domain.typtype = 'd'
    AND NOT EXISTS (
        SELECT
        FROM members
        WHERE
            members.classid = 'pg_catalog.pg_type'::regclass
            AND members.objid = domain.oid
    )
WHERE coalesce(relations.oid, domain.oid) IS NOT NULL
