-- Statements on the schema ``fuzz``; the line above each tells of its columns, in their
-- order, which never hold NULL. A description that says ``null`` for ``never`` is not
-- wrong, but has become less precise; the other way round, it is wrong.

-- Values and expressions

-- never, null, never, never, never
SELECT 1, NULL, 'a', now(), CURRENT_USER;

-- null, never
SELECT $1::integer, coalesce($1::integer, 0);

-- never, null
VALUES (1, 'a'), (2, NULL);

-- never, null
SELECT v.a, v.b FROM (VALUES (1, 2), (3, NULL)) AS v (a, b);

-- never, null
SELECT coalesce(nick, ''), coalesce(nick, born::text) FROM fuzz.people;

-- null, null
SELECT nullif(id, 1), nullif(name, '') FROM fuzz.people;

-- never, null
SELECT greatest(id, boss_id), least(boss_id, NULL) FROM fuzz.people;

-- null
SELECT CASE WHEN active THEN id END FROM fuzz.people;

-- never
SELECT CASE WHEN active THEN id ELSE 0 END FROM fuzz.people;

-- null
SELECT CASE WHEN active THEN id ELSE boss_id END FROM fuzz.people;

-- never, null, never, never
SELECT id + 1, id + boss_id, -id, id = 1 FROM fuzz.people;

-- never, null, never
SELECT name || 'x', name || nick, upper(name) FROM fuzz.people;

-- never, never
SELECT concat(nick, score), concat_ws(',', nick) FROM fuzz.people;

-- null, never
SELECT concat_ws(nick, 'a'), format('%s', nick) FROM fuzz.people;

-- never, never, never
SELECT nick IS NULL, active IS TRUE, nick IS DISTINCT FROM '' FROM fuzz.people;

-- never, null, never
SELECT active AND true, active OR nick = 'a', NOT active FROM fuzz.people;

-- never, null, null
SELECT id IN (1, 2), id IN (1, NULL), boss_id IN (1) FROM fuzz.people;

-- never, null
SELECT id BETWEEN 1 AND 2, id BETWEEN 1 AND boss_id FROM fuzz.people;

-- null, never
SELECT id = ANY (items), id = ANY (ARRAY[1, 2]) FROM fuzz.orders;

-- never, never, null
SELECT name LIKE 'a%', name ~ 'a', nick LIKE 'a%' FROM fuzz.people;

-- never, never
SELECT ROW(nick, NULL), ARRAY[nick] FROM fuzz.people;

-- null, null
SELECT ROW(1, NULL) = ROW(1, NULL), (1, 2) < (1, NULL);

-- null, null
SELECT (place).a, (ROW(1, 'a')::fuzz.pair).a FROM fuzz.people;

-- null, null, null
SELECT items[1], items[1:2], items[1:NULL] FROM fuzz.orders;

-- null, never
SELECT array_length(items, 1), cardinality(items) FROM fuzz.orders;

-- never, never
SELECT array_append(NULL::integer[], 1), items || 1 FROM fuzz.orders;

-- null, null, null, never, never
SELECT doc -> 'a', doc ->> 'a', doc #>> '{a,b}', doc @> '{}', doc ? 'a' FROM
fuzz.orders;

-- null, null
SELECT doc['a'], jsonb_path_query_first(doc, '$.a') FROM fuzz.orders;

-- null, null
SELECT (doc -> 'a')::integer, 'null'::jsonb::integer FROM fuzz.orders;

-- never, null, never
SELECT jsonb_build_object('a', nick), to_jsonb(nick), to_jsonb(name) FROM fuzz.people;

-- never, never, null, never
SELECT id::text, id::bigint, boss_id::text, name::jsonb FROM fuzz.people;

-- null, never, never
SELECT to_char(joined, 'YYYY'), date_trunc('day', joined), joined::date FROM
fuzz.people;

-- null, null
SELECT date_part('day', joined), extract(year FROM joined) FROM fuzz.people;

-- never, null
SELECT substring(name FROM 1 FOR 2), substring(name FROM 'a(.)') FROM fuzz.people;

-- null, never
SELECT regexp_match(name, 'a'), regexp_replace(name, 'a', 'b') FROM fuzz.people;

-- null, null
SELECT upper(int4range(1, NULL)), lower(int4range(1, 2));

-- never, never
SELECT string_to_array(name, ','), array_to_string(items, ',') FROM fuzz.people,
fuzz.orders;

-- null, never, null
SELECT current_schema, CURRENT_DATE, current_setting('a.b', true);

-- null
SELECT 'infinity'::timestamp::time;

-- null, never
SELECT uuidv7(NULL::interval), gen_random_uuid();

-- Columns of tables

-- never, never, null, never, null
SELECT id, name, nick, active, feeling FROM fuzz.people;

-- never, never, null
SELECT p.* FROM fuzz.parts AS p;

-- never, never, never
SELECT p.tableoid, p.ctid, p FROM fuzz.people AS p;

-- null, never
SELECT net, twice FROM fuzz.orders;

-- null, null
SELECT doubled, size FROM fuzz.lines;

-- never, null, never
SELECT id, own, word FROM fuzz.parents;

-- never, null, never
SELECT id, own, word FROM fuzz.children;

-- never, null
SELECT id, word FROM fuzz.doubtful;

-- null, null
SELECT id, word FROM fuzz.stale;

-- null
SELECT (NULL::fuzz.people).id;

-- null
SELECT q.seal FROM (SELECT 1) AS v LEFT JOIN fuzz.lines AS q ON false;

-- Joins

-- never, never
SELECT p.id, o.id FROM fuzz.people p JOIN fuzz.orders o ON o.person_id = p.id;

-- never, null
SELECT p.id, o.id FROM fuzz.people p LEFT JOIN fuzz.orders o ON o.person_id = p.id;

-- null, never
SELECT p.id, o.id FROM fuzz.people p RIGHT JOIN fuzz.orders o ON o.person_id = p.id;

-- null, null
SELECT p.id, o.id FROM fuzz.people p FULL JOIN fuzz.orders o ON o.person_id = p.id;

-- never, never, never
SELECT code, c.code, f.code FROM fuzz.orders c JOIN fuzz.codes f USING (code);

-- never, never, null
SELECT code, c.code, f.code FROM fuzz.orders c LEFT JOIN fuzz.codes f USING (code);

-- never, null, null
SELECT id, p.id, f.id FROM fuzz.people p FULL JOIN fuzz.fresh f USING (id);

-- null
SELECT code FROM fuzz.orders FULL JOIN fuzz.codes USING (code);

-- never
SELECT id FROM fuzz.people p NATURAL FULL JOIN fuzz.fresh f;

-- never
SELECT j.id FROM (fuzz.people p FULL JOIN fuzz.fresh f USING (id)) AS j;

-- never
SELECT u.id FROM fuzz.people p FULL JOIN fuzz.fresh f USING (id) AS u;

-- never, null
SELECT p.id, f.id FROM fuzz.people p LEFT JOIN (fuzz.orders o JOIN fuzz.fresh f ON f.id
= o.id) ON o.person_id = p.id;

-- never, null, null
SELECT a.id, b.id, c.id FROM fuzz.people a LEFT JOIN fuzz.people b ON b.id = a.boss_id
LEFT JOIN fuzz.people c ON c.id = b.boss_id;

-- never, never
SELECT a.id, b.id FROM fuzz.people a LEFT JOIN fuzz.people b ON b.id = a.boss_id JOIN
fuzz.people c ON c.id = b.boss_id;

-- never
SELECT l.n FROM fuzz.people p, LATERAL (SELECT p.id AS n) AS l;

-- null
SELECT l.n FROM fuzz.people p LEFT JOIN LATERAL (SELECT p.id AS n WHERE p.active) AS l
ON true;

-- never
SELECT l.n FROM fuzz.people p CROSS JOIN LATERAL (SELECT count(*) AS n FROM fuzz.orders
o WHERE o.person_id = p.id) AS l;

-- null
SELECT v.one FROM fuzz.people p LEFT JOIN (SELECT 1 AS one) AS v ON p.active;

-- null, null, never
SELECT o, (o).id, o.* IS NOT NULL FROM fuzz.people p LEFT JOIN fuzz.fresh o ON false;

-- null, null
SELECT b.id, c.nick FROM fuzz.people b JOIN fuzz.people c ON c.nick = b.name
RIGHT JOIN fuzz.orders o ON false;

-- null, null
SELECT b.id, c.nick FROM fuzz.people b JOIN fuzz.people c ON c.nick = b.name
FULL JOIN fuzz.orders o ON o.id = b.id;

-- What conditions prove, and do not

-- never
SELECT nick FROM fuzz.people WHERE nick IS NOT NULL;

-- never
SELECT nick FROM fuzz.people WHERE nick = 'a' AND active;

-- never
SELECT nick FROM fuzz.people WHERE nick = $1;

-- never
SELECT nick FROM fuzz.people WHERE nick IN ('a', 'b');

-- never
SELECT nick FROM fuzz.people WHERE nick LIKE 'a%';

-- never
SELECT nick FROM fuzz.people WHERE length(nick) > 1;

-- never
SELECT nick FROM fuzz.people WHERE NOT (nick IS NULL);

-- never
SELECT nick FROM fuzz.people WHERE (nick = 'a') IS TRUE;

-- null
SELECT nick FROM fuzz.people WHERE (nick = 'a') IS NOT FALSE;

-- null
SELECT nick FROM fuzz.people WHERE (nick = 'a') IS NOT TRUE;

-- never
SELECT nick FROM fuzz.people WHERE nick = 'a' OR nick > 'b';

-- null
SELECT nick FROM fuzz.people WHERE nick = 'a' OR active;

-- never
SELECT nick FROM fuzz.people WHERE NOT (nick = 'a' OR active);

-- null
SELECT nick FROM fuzz.people WHERE NOT (nick = 'a' AND active);

-- null
SELECT nick FROM fuzz.people WHERE coalesce(nick, 'a') = 'a';

-- null
SELECT nick FROM fuzz.people WHERE nick IS DISTINCT FROM 'a';

-- null
SELECT boss_id FROM fuzz.people WHERE boss_id NOT IN (1, 2);

-- null
SELECT boss_id FROM fuzz.people WHERE boss_id <> ALL ('{}');

-- null
SELECT boss_id FROM fuzz.people WHERE NOT boss_id = ANY ('{}');

-- never
SELECT boss_id FROM fuzz.people WHERE boss_id IN (SELECT id FROM fuzz.fresh);

-- null
SELECT boss_id FROM fuzz.people WHERE boss_id NOT IN (SELECT id FROM fuzz.fresh);

-- never
SELECT paid FROM fuzz.orders WHERE paid;

-- never
SELECT paid FROM fuzz.orders WHERE NOT paid;

-- never
SELECT boss_id FROM fuzz.people WHERE fuzz.all_strict(boss_id);

-- null
SELECT boss_id FROM fuzz.people WHERE fuzz.any_sql(boss_id);

-- null
SELECT word FROM fuzz.codes WHERE word OPERATOR(fuzz.=) 1;

-- null
SELECT p.place FROM fuzz.people AS p WHERE NOT (p.place IS NULL);

-- never, never, null
SELECT p.id, o.id, o.discount FROM fuzz.people p LEFT JOIN fuzz.orders o ON o.person_id
= p.id WHERE o.id IS NOT NULL;

-- null, null
SELECT p.nick, o.id FROM fuzz.people p LEFT JOIN fuzz.orders o ON o.person_id = p.id AND
p.nick = 'a';

-- null
SELECT o.discount FROM fuzz.people p LEFT JOIN fuzz.orders o ON o.discount = 1;

-- never, never
SELECT p.boss_id, o.person_id FROM fuzz.people p JOIN fuzz.orders o ON o.person_id =
p.boss_id;

-- never, null
SELECT p.id, o.id FROM fuzz.people p FULL JOIN fuzz.orders o ON o.person_id = p.id WHERE
p.active;

-- null
SELECT p.id FROM fuzz.people p, fuzz.codes c WHERE p.id > 0 AND EXISTS (SELECT FROM
fuzz.people x RIGHT JOIN fuzz.codes y ON true WHERE x.id IS NULL) GROUP BY ROLLUP
(p.id);

-- Subqueries and common table expressions

-- never, never
SELECT EXISTS (SELECT FROM fuzz.people), ARRAY(SELECT nick FROM fuzz.people);

-- never, null, null
SELECT (SELECT 1), (SELECT 1 WHERE false), (SELECT NULL);

-- null
SELECT (SELECT id FROM fuzz.people LIMIT 1);

-- never
SELECT (SELECT count(*) FROM fuzz.people);

-- null
SELECT (SELECT count(*) FROM fuzz.people OFFSET 1);

-- null
SELECT (SELECT count(*) FROM fuzz.people LIMIT 0);

-- null
SELECT (SELECT count(*) FROM fuzz.people HAVING false);

-- null
SELECT (SELECT count(*) FROM fuzz.people GROUP BY id LIMIT 1);

-- null
SELECT (SELECT max(id) FROM fuzz.people);

-- never
SELECT (SELECT coalesce(max(id), 0) FROM fuzz.people);

-- null, null, null
SELECT
    (SELECT generate_series(1, 0)),
    (SELECT ARRAY[generate_series(1, 0)]),
    (SELECT 1 ORDER BY generate_series(1, 0));

-- never, null
SELECT id IN (SELECT id FROM fuzz.fresh), id IN (SELECT code FROM fuzz.codes) FROM
fuzz.people;

-- never, null
SELECT q.a, q.b FROM (SELECT id AS a, nick AS b FROM fuzz.people) AS q;

-- never, null
WITH w AS (SELECT id, nick FROM fuzz.people) SELECT id, nick FROM w;

-- never
WITH w AS MATERIALIZED (SELECT nick FROM fuzz.people WHERE nick > 'a'), x AS (SELECT
nick FROM w) SELECT nick FROM x;

-- never
WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT n
FROM r;

-- null
WITH RECURSIVE r (n) AS (SELECT 1 UNION SELECT nullif(n + 1, 3) FROM r WHERE n < 3)
SELECT n FROM r;

-- never, never, null
WITH RECURSIVE r (a, b, c) AS (SELECT 1, 2, 3 UNION ALL SELECT b, c, NULL::integer FROM
r WHERE c > 0) SELECT a, b, c FROM r;

-- never, never
WITH RECURSIVE r (a, b) AS (SELECT 1, 2 UNION ALL SELECT b, a FROM r WHERE a < 1) SELECT
a, b FROM r;

-- never, null
WITH RECURSIVE r (id, boss_id) AS (SELECT id, boss_id FROM fuzz.people UNION ALL SELECT
p.id, p.boss_id FROM r JOIN fuzz.people p ON p.id = r.boss_id) SELECT id, boss_id FROM
r;

-- Set operations

-- never
SELECT id FROM fuzz.people UNION SELECT id FROM fuzz.fresh;

-- null
SELECT id FROM fuzz.people UNION ALL SELECT boss_id FROM fuzz.people;

-- never
SELECT id FROM fuzz.people INTERSECT SELECT boss_id FROM fuzz.people;

-- never
SELECT boss_id FROM fuzz.people INTERSECT ALL SELECT id FROM fuzz.people;

-- never
SELECT id FROM fuzz.people EXCEPT SELECT boss_id FROM fuzz.people;

-- null
SELECT boss_id FROM fuzz.people EXCEPT SELECT id FROM fuzz.people;

-- never
(SELECT boss_id FROM fuzz.people INTERSECT SELECT id FROM fuzz.people) UNION SELECT 1;

-- never, null
SELECT 1, NULL UNION SELECT 2, 3;

-- Groups, aggregates and windows

-- never, never, null, null
SELECT count(*), count(nick), sum(id), max(name) FROM fuzz.people;

-- never
SELECT count(*) FILTER (WHERE active) FROM fuzz.people;

-- null, never, never, null
SELECT boss_id, count(*), sum(id), max(nick) FROM fuzz.people GROUP BY boss_id;

-- null
SELECT sum(id) FILTER (WHERE active) FROM fuzz.people GROUP BY name;

-- never, never, null, never
SELECT array_agg(nick), string_agg(name, ','), string_agg(nick, ','), jsonb_agg(nick)
FROM fuzz.people GROUP BY active;

-- null, null
SELECT array_agg(id), jsonb_agg(id) FROM fuzz.people;

-- null, null, null
SELECT stddev(id), corr(id, id), var_pop(id) FROM fuzz.people GROUP BY name;

-- null, null
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY id), mode() WITHIN GROUP (ORDER BY
id) FROM fuzz.people GROUP BY name;

-- null, never
SELECT id, count(*) FROM fuzz.people GROUP BY ROLLUP (id);

-- null, null
SELECT id, name FROM fuzz.people GROUP BY CUBE (id, name);

-- never, null
SELECT id, name FROM fuzz.people GROUP BY id, ROLLUP (name);

-- null
SELECT 1 AS one FROM fuzz.people GROUP BY GROUPING SETS ((one), ());

-- null
SELECT sum(id) FROM fuzz.people GROUP BY GROUPING SETS ((id), ());

-- never, never
SELECT GROUPING(id), coalesce(id, 0) FROM fuzz.people GROUP BY ROLLUP (id);

-- null
SELECT max(id) FROM fuzz.people GROUP BY ();

-- never, never, null
SELECT id, name, nick FROM fuzz.people GROUP BY id;

-- null
SELECT fuzz.last(id) FROM fuzz.people GROUP BY name;

-- never, null
SELECT DISTINCT ON (id) id, nick FROM fuzz.people ORDER BY id;

-- never, never, never
SELECT row_number() OVER (), rank() OVER (ORDER BY id), count(*) OVER () FROM
fuzz.people;

-- null, null, null
SELECT lag(id) OVER (), lead(id) OVER (), nth_value(id, 2) OVER () FROM fuzz.people;

-- never, never
SELECT first_value(id) OVER (ORDER BY id), sum(id) OVER (ORDER BY id) FROM fuzz.people;

-- null
SELECT first_value(id) OVER (ROWS BETWEEN 1 FOLLOWING AND 2 FOLLOWING) FROM fuzz.people;

-- null, null
SELECT sum(id) OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), max(id) OVER
(ROWS CURRENT ROW EXCLUDE CURRENT ROW) FROM fuzz.people;

-- never, null
SELECT ntile(2) OVER (), ntile(NULL) OVER () FROM fuzz.people;

-- Functions, ours and in FROM

-- never
SELECT n FROM generate_series(1, 3) AS n;

-- null
SELECT u FROM unnest('{1,NULL}'::integer[]) AS u;

-- null, never
SELECT u, n FROM unnest('{1}'::integer[]) WITH ORDINALITY AS f (u, n);

-- null, null
SELECT a, b FROM ROWS FROM (generate_series(1, 2), generate_series(1, 3)) AS f (a, b);

-- null, null
SELECT generate_series(1, 2), generate_series(1, 3);

-- never
SELECT e FROM jsonb_array_elements('[1, null]') AS e;

-- null
SELECT e FROM jsonb_array_elements_text('[1, null]') AS e;

-- never, null
SELECT key, value FROM jsonb_each_text('{}');

-- null
SELECT a FROM jsonb_to_record('{}') AS r (a integer);

-- null, null
SELECT a, n FROM json_table('[1]', '$[*]' COLUMNS (a integer PATH '$', n FOR
ORDINALITY)) AS t;

-- null, null, null
SELECT fuzz.none_sql(1), fuzz.none_plpgsql(1), 1 OPERATOR(fuzz.+?) 2;

-- null, null
SELECT id, name FROM fuzz.people_of(3);

-- null, null
SELECT x, y FROM fuzz.grid(3);

-- null, null
SELECT place::integer, 'ok'::fuzz.mood::integer FROM fuzz.people;

-- Views

-- never, never, never
SELECT id, name, nick FROM fuzz.adults;

-- never, null, null, never, never
SELECT id, person_id, name, total, discount FROM fuzz.placed;

-- never, never, null
SELECT id, name, again FROM fuzz.placed_well;

-- null, never, null, null
SELECT person_id, orders, total, discount FROM fuzz.totals;

-- null, null
SELECT id, word FROM fuzz.words;

-- null, null, null
SELECT code, word, line FROM fuzz.both_codes;

-- null, null, never
SELECT id, boss_id, depth FROM fuzz.chain;

-- null
SELECT a.id FROM fuzz.people p LEFT JOIN fuzz.adults a ON a.id = p.id;

-- Changes

-- null, null, never
INSERT INTO fuzz.codes (code) VALUES (1) RETURNING code, word, flag;

-- never
INSERT INTO fuzz.codes DEFAULT VALUES RETURNING flag;

-- never, never, null
INSERT INTO fuzz.orders (code, total, placed, items, doc, mood) VALUES (1, 2, now(),
'{}', '{}', 'ok') RETURNING id, twice, net;

-- null, never, null, never
INSERT INTO fuzz.codes AS c (code) VALUES (1) ON CONFLICT (code) DO UPDATE SET word =
NULL RETURNING c.word, c.flag, old.flag, new.flag;

-- never, null, never
INSERT INTO fuzz.touched (id, word) VALUES (1, 'a') RETURNING id, word, kept;

-- null, null
UPDATE fuzz.touched SET word = 'a' WHERE code > 1 RETURNING word, code;

-- null, never, never
UPDATE fuzz.people SET nick = NULL WHERE nick = 'a' RETURNING nick, old.id, new.id;

-- null, never, null, never
UPDATE fuzz.people p SET nick = c.word FROM fuzz.codes c WHERE c.code = p.id RETURNING
p.nick, c.code, c.word, c.flag;

-- never, never, never, null
DELETE FROM fuzz.people WHERE nick = 'a' RETURNING id, nick, old.id, new.id;

-- never, never
DELETE FROM fuzz.people p USING fuzz.codes c WHERE c.code = p.boss_id RETURNING
p.boss_id, c.code;

-- never, never, null, null, null
MERGE INTO fuzz.people p USING (VALUES (1)) AS v (n) ON p.id = v.n WHEN MATCHED THEN
DELETE WHEN NOT MATCHED BY SOURCE THEN DELETE RETURNING merge_action(), p.id, v.n,
old.id, new.id;

-- null, never, never
MERGE INTO fuzz.codes c USING (VALUES (1)) AS v (n) ON c.code = v.n WHEN MATCHED THEN
UPDATE SET word = 'a' WHEN NOT MATCHED THEN INSERT (code) VALUES (v.n) RETURNING c.code,
c.flag, v.n;

-- null
INSERT INTO fuzz.adults (id, name) VALUES (1, 'a') RETURNING nick;

-- null
UPDATE fuzz.hooked SET word = 'a' RETURNING word;

-- null, null
INSERT INTO fuzz.ruled (id) VALUES (1) RETURNING id, word;

-- null, null
DELETE FROM fuzz.ruled WHERE word > 'a' RETURNING id, word;

-- null
INSERT INTO fuzz.diverted (id) VALUES (1) RETURNING id;

-- never, null
WITH w AS (DELETE FROM fuzz.orders RETURNING id, discount) SELECT id, discount FROM w;

-- null
WITH w AS (INSERT INTO fuzz.codes (code) VALUES (1) RETURNING flag) SELECT w.flag FROM
fuzz.people p LEFT JOIN w ON true;
