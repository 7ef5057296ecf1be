-- Takes back the entities.
--
-- Lock: ACCESS EXCLUSIVE on both tables. Rewrites: none.
-- Loses: every entity, and what restaurants are like.

DROP TABLE dining.restaurant_attributes;

DROP TABLE dining.entities;
