-- Casts. Those that initdb made have an oid below 16384.
SELECT
    identified.identity AS name,
    jsonb_build_object(
        'definition', concat_ws(
            ' ',
            format('CREATE CAST %s', identified.identity),
            CASE "cast".castmethod
                WHEN 'b' THEN 'WITHOUT FUNCTION'
                WHEN 'i' THEN 'WITH INOUT'
                ELSE 'WITH FUNCTION ' || "cast".castfunc::regprocedure
            END,
            CASE "cast".castcontext
                WHEN 'a' THEN 'AS ASSIGNMENT'
                WHEN 'i' THEN 'AS IMPLICIT'
            END
        )
    ) AS properties
FROM pg_catalog.pg_cast AS "cast"
CROSS JOIN LATERAL
    pg_identify_object('pg_catalog.pg_cast'::regclass, "cast".oid, 0) AS identified
WHERE
    "cast".oid >= 16384
    AND NOT EXISTS (
        SELECT
        FROM members
        WHERE
            members.classid = 'pg_catalog.pg_cast'::regclass
            AND members.objid = "cast".oid
    )
