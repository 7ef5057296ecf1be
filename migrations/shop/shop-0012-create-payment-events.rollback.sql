-- Takes back what is done with payment providers' events.
--
-- Lock: none on a live table. Rewrites: none. Loses: no row.

DROP FUNCTION shop.apply_payment_event(
    text, text, text, text, jsonb, numeric, text
);

DROP TYPE shop.event_outcome;
