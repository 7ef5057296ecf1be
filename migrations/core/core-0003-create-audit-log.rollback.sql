-- Drops the audit log and its trigger function; refuses while a table is audited.
--
-- Locks: ACCESS EXCLUSIVE on core.audit_log. Rewrites: no rows.
-- Loses: the history of every audited table.

DROP FUNCTION core.audit_row();

DROP FUNCTION core.redact(jsonb, text[]);

DROP TABLE core.audit_log;
