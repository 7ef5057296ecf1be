-- needs: ag_catalog.ag_graph
--
-- The labels of AGE's graphs.
SELECT
    format('%I.%I', graph.name, label.name) AS name,
    jsonb_build_object(
        'graph', quote_ident(graph.name),
        'kind', CASE label.kind
            WHEN 'v' THEN 'vertex'
            ELSE 'edge'
        END,
        'relation', label.relation
    ) AS properties
FROM ag_catalog.ag_label AS label
INNER JOIN ag_catalog.ag_graph AS graph
    ON graph.graphid = label.graph
