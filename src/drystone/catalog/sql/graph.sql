-- needs: ag_catalog.ag_graph
--
-- AGE's graphs; the tables of a graph's schema are tables like others.
SELECT
    quote_ident(graph.name) AS name,
    jsonb_build_object('schema', graph.namespace) AS properties
FROM ag_catalog.ag_graph AS graph
