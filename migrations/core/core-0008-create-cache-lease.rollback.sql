-- Drops the cache's lease and what it made stale.
--
-- Locks: ACCESS EXCLUSIVE on core.cache_lease and core.cache_invalidations.
-- Rewrites: no rows.
-- Loses: which cached values are stale. Services read past the cache; empty it.

DROP TABLE core.cache_lease;

DROP TABLE core.cache_invalidations;
