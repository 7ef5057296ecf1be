"""GRANT, REVOKE and ALTER DEFAULT PRIVILEGES, as far as tables and schemas go."""

from __future__ import annotations

from typing import Any

from drystone.review.lint.schema import names
from drystone.review.lint.schema.model import Schema
from drystone.review.lint.schema.names import pb

ALL = frozenset(
    {
        "select",
        "insert",
        "update",
        "delete",
        "truncate",
        "references",
        "trigger",
        "maintain",
    }
)


def grant(schema: Schema, node: Any) -> None:
    """Give privileges on tables or schemas, or take them."""
    if node.objtype == pb.OBJECT_SCHEMA:
        for name in names.parts(node.objects):
            _change(schema.schema_grants.setdefault(name, set()), _roles(node), node)
        return
    if node.objtype != pb.OBJECT_TABLE:
        return
    for table in _tables(schema, node):
        for role in _roles(node):
            held = schema.tables[table].grants.setdefault(role, set())
            _change(held, _privileges(node), node)


def grant_by_default(schema: Schema, node: Any) -> None:
    """Note what tables to come will grant."""
    action = node.action
    if action.objtype != pb.OBJECT_TABLE:
        return
    options = (option.def_elem for option in node.options)
    places = [
        each.string.sval
        for option in options
        if option.defname == "schemas"
        for each in option.arg.list.items
    ]
    for place in places or [""]:
        for role in _roles(action):
            held = schema.default_grants.setdefault((place, role), set())
            _change(held, _privileges(action), action)


def _change(held: set[str], what: set[str], node: Any) -> None:
    if node.is_grant:
        held |= what
    elif not node.grant_option:  # which takes the right to pass it on, no more
        held -= what


def _roles(node: Any) -> set[str]:
    return {
        "public"
        if each.role_spec.roletype == pb.ROLESPEC_PUBLIC
        else each.role_spec.rolename
        for each in node.grantees
    }


def _privileges(node: Any) -> set[str]:
    named = {each.access_priv.priv_name for each in node.privileges} - {""}
    return named or set(ALL)


def _tables(schema: Schema, node: Any) -> list[str]:
    if node.targtype == pb.ACL_TARGET_ALL_IN_SCHEMA:
        places = set(names.parts(node.objects))
        return [name for name in schema.tables if name.partition(".")[0] in places]
    named = [names.qualified(each.range_var) for each in node.objects]
    return [name for name in named if name in schema.tables]
