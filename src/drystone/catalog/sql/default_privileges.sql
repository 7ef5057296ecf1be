-- Default privileges: what ALTER DEFAULT PRIVILEGES left. The role is named where it is
-- not the database's owner, as owners are.
SELECT
    concat_ws(
        ' ',
        'for role ' || NULLIF(defaults.defaclrole, here.owner)::regrole,
        'in schema ' || NULLIF(defaults.defaclnamespace, 0)::regnamespace,
        'on',
        kind.name
    ) AS name,
    jsonb_strip_nulls(jsonb_build_object(
        'role', NULLIF(defaults.defaclrole, here.owner)::regrole,
        'schema', NULLIF(defaults.defaclnamespace, 0)::regnamespace,
        'on', kind.name,
        'grants', (
            SELECT jsonb_object_agg(listed.grantee, listed.privileges)
            FROM (
                SELECT
                    CASE entry.grantee
                        WHEN 0 THEN 'PUBLIC'
                        ELSE entry.grantee::regrole::text
                    END AS grantee,
                    string_agg(
                        concat(
                            entry.privilege_type,
                            CASE WHEN entry.is_grantable THEN ' WITH GRANT OPTION' END
                        ),
                        ', '
                        ORDER BY entry.privilege_type COLLATE "C", entry.is_grantable
                    ) AS privileges
                FROM aclexplode(defaults.defaclacl) AS entry
                GROUP BY entry.grantee
            ) AS listed
        )
    )) AS properties
FROM pg_catalog.pg_default_acl AS defaults
CROSS JOIN here
CROSS JOIN LATERAL (
    SELECT CASE defaults.defaclobjtype
        WHEN 'r' THEN 'TABLES'
        WHEN 'S' THEN 'SEQUENCES'
        WHEN 'f' THEN 'ROUTINES'
        WHEN 'T' THEN 'TYPES'
        WHEN 'n' THEN 'SCHEMAS'
        WHEN 'L' THEN 'LARGE OBJECTS'
        ELSE defaults.defaclobjtype::text
    END
) AS kind (name)
