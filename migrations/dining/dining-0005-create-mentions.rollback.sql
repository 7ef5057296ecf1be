-- Takes back the mentions.
--
-- Lock: ACCESS EXCLUSIVE on dining.mentions and dining.connections. Rewrites: none.
-- Loses: all evidence; the figures computed from it stay in dining.connections.

DROP TABLE dining.mentions;
