-- Row-level security policies.
SELECT
    concat(quote_ident(policy.polname), ' on ', relations.name) AS name,
    jsonb_strip_nulls(jsonb_build_object(
        'table', relations.name,
        'permissive', policy.polpermissive,
        'command', CASE policy.polcmd
            WHEN 'r' THEN 'SELECT'
            WHEN 'a' THEN 'INSERT'
            WHEN 'w' THEN 'UPDATE'
            WHEN 'd' THEN 'DELETE'
            ELSE 'ALL'
        END,
        'roles', (
            SELECT jsonb_agg(named.role ORDER BY named.role COLLATE "C")
            FROM unnest(policy.polroles) AS listed (role)
            CROSS JOIN LATERAL (
                SELECT CASE listed.role
                    WHEN 0 THEN 'PUBLIC'
                    ELSE listed.role::regrole::text
                END
            ) AS named (role)
        ),
        'using', pg_get_expr(policy.polqual, policy.polrelid),
        'check', pg_get_expr(policy.polwithcheck, policy.polrelid)
    )) AS properties
FROM pg_catalog.pg_policy AS policy
INNER JOIN relations
    ON relations.oid = policy.polrelid
