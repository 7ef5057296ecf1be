"""Partitions that a service makes as time goes on: nobody's migration has them."""

from __future__ import annotations

from drystone.catalog.snapshot import Properties, Snapshot


def without_new_partitions(expected: Snapshot, actual: Snapshot) -> Snapshot:
    """Return ``actual`` without partitions that were added to tables of ``expected``.

    What such a partition has from its parent goes with it; an index or a grant that
    only it has stays.
    """
    parents = _new_partitions(expected, actual)

    def comes_with_a_partition(kind: str, name: str, properties: Properties) -> bool:
        if kind == "table":
            return name in parents
        if kind == "grant":
            parent = parents.get(str(properties["object"]))
            return parent is not None and properties == {
                **expected.objects.get(
                    (kind, f"table {parent} to {properties['grantee']}"), {}
                ),
                "object": properties["object"],
            }
        inherited = properties.get("inherited") or properties.get("partition_of")
        return bool(inherited) and properties.get("table") in parents

    return Snapshot(
        {
            (kind, name): properties
            for (kind, name), properties in actual.objects.items()
            if not comes_with_a_partition(kind, name, properties)
        }
    )


def _new_partitions(expected: Snapshot, actual: Snapshot) -> dict[str, str]:
    """Return the expected table that each new partition belongs to in the end."""
    above = {
        name: str(properties["inherits"][0])
        for (kind, name), properties in actual.objects.items()
        if kind == "table"
        and "partition_bound" in properties
        and isinstance(properties["inherits"], list)
        and ("table", name) not in expected.objects
    }
    roots = {}
    for name, parent in above.items():
        while parent in above:
            parent = above[parent]
        if ("table", parent) in expected.objects:
            roots[name] = parent
    return roots
