-- Aggregates: the options under the names that CREATE AGGREGATE gives them.
SELECT
    function.oid::regprocedure::text AS name,
    jsonb_strip_nulls(jsonb_build_object(
        'arguments', pg_get_function_arguments(function.oid),
        'result', pg_get_function_result(function.oid),
        'kind', CASE aggregate.aggkind
            WHEN 'o' THEN 'ordered-set'
            WHEN 'h' THEN 'hypothetical-set'
        END,
        'options', jsonb_build_object(
            'sfunc', aggregate.aggtransfn,
            'stype', aggregate.aggtranstype::regtype,
            'sspace', NULLIF(aggregate.aggtransspace, 0),
            'finalfunc', NULLIF(aggregate.aggfinalfn, 0)::regproc,
            'finalfunc_extra', NULLIF(aggregate.aggfinalextra, false),
            'finalfunc_modify', CASE
                WHEN aggregate.aggfinalfn <> 0
                    THEN CASE aggregate.aggfinalmodify
                        WHEN 'r' THEN 'read_only'
                        WHEN 's' THEN 'shareable'
                        ELSE 'read_write'
                    END
            END,
            'combinefunc', NULLIF(aggregate.aggcombinefn, 0)::regproc,
            'serialfunc', NULLIF(aggregate.aggserialfn, 0)::regproc,
            'deserialfunc', NULLIF(aggregate.aggdeserialfn, 0)::regproc,
            'initcond', quote_literal(aggregate.agginitval),
            'msfunc', NULLIF(aggregate.aggmtransfn, 0)::regproc,
            'minvfunc', NULLIF(aggregate.aggminvtransfn, 0)::regproc,
            'mstype', NULLIF(aggregate.aggmtranstype, 0)::regtype,
            'msspace', NULLIF(aggregate.aggmtransspace, 0),
            'mfinalfunc', NULLIF(aggregate.aggmfinalfn, 0)::regproc,
            'mfinalfunc_extra', NULLIF(aggregate.aggmfinalextra, false),
            'mfinalfunc_modify', CASE
                WHEN aggregate.aggmfinalfn <> 0
                    THEN CASE aggregate.aggmfinalmodify
                        WHEN 'r' THEN 'read_only'
                        WHEN 's' THEN 'shareable'
                        ELSE 'read_write'
                    END
            END,
            'minitcond', quote_literal(aggregate.aggminitval),
            'sortop', NULLIF(aggregate.aggsortop, 0)::regoper,
            'parallel', CASE function.proparallel
                WHEN 's' THEN 'safe'
                WHEN 'r' THEN 'restricted'
                ELSE 'unsafe'
            END
        ),
        'owner', NULLIF(function.proowner, here.owner)::regrole
    )) AS properties
FROM pg_catalog.pg_proc AS function
INNER JOIN schemas
    ON schemas.oid = function.pronamespace
INNER JOIN pg_catalog.pg_aggregate AS aggregate
    ON aggregate.aggfnoid = function.oid
CROSS JOIN here
WHERE NOT EXISTS (
    SELECT
    FROM members
    WHERE
        members.classid = 'pg_catalog.pg_proc'::regclass
        AND members.objid = function.oid
)
