-- Security labels, which exist where an extension provides them.
SELECT
    format(
        '%s on %s %s',
        label.provider,
        identified.type,
        identified.identity
    ) AS name,
    jsonb_build_object(
        'type', identified.type,
        'object', identified.identity,
        'provider', label.provider,
        'label', label.label
    ) AS properties
FROM pg_catalog.pg_seclabel AS label
CROSS JOIN LATERAL
    pg_identify_object(label.classoid, label.objoid, label.objsubid) AS identified
WHERE NOT EXISTS (
    SELECT
    FROM members
    WHERE
        members.classid = label.classoid
        AND members.objid = label.objoid
)
