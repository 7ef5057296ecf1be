-- Takes back the assets.
--
-- Lock: ACCESS EXCLUSIVE on both tables, promo.organizations, promo.users and
-- promo.content_pieces. Rewrites: none.
-- Loses: where the files of each organisation lie; not the files.

DROP TABLE promo.content_piece_assets;

DROP TRIGGER organizations_delete_assets ON promo.organizations;

DROP TABLE promo.assets;
