"""What can be said of the container files without running a container."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).parents[2]
DOCKER = PROJECT / "docker"
OPERATIONS = (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")

SERVICES = {"db", "redis", "pgbouncer", "migrate", "serve", "relay", "worker", "backup"}
OBSERVABILITY = {"prometheus", "postgres-exporter", "grafana"}

# What `drystone serve` measures (docs/observability.md), and what others do.
METRICS = {
    "drystone_backup_last_failed",
    "drystone_backup_last_success_timestamp_seconds",
    "drystone_connections",
    "drystone_connections_limit",
    "drystone_database_bytes",
    "drystone_database_up",
    "drystone_deadlocks_total",
    "drystone_disk_free_bytes",
    "drystone_disk_total_bytes",
    "drystone_extension_skew",
    "drystone_index_bytes",
    "drystone_invalid_indexes",
    "drystone_longest_transaction_seconds",
    "drystone_migrations_applied",
    "drystone_migrations_pending",
    "drystone_outbox_jobs",
    "drystone_outbox_oldest_seconds",
    "drystone_pool_available",
    "drystone_pool_connections_lost_total",
    "drystone_pool_errors_total",
    "drystone_pool_requests_total",
    "drystone_pool_size",
    "drystone_pool_wait_seconds_total",
    "drystone_pool_waiting",
    "drystone_query_errors_total",
    "drystone_query_rows_total",
    "drystone_query_seconds_bucket",
    "drystone_query_seconds_count",
    "drystone_query_seconds_sum",
    "drystone_queue_jobs",
    "drystone_redis_up",
    "drystone_replication_lag_bytes",
    "drystone_replication_lag_seconds",
    "drystone_table_bytes",
    "drystone_vector_recall",
    "drystone_waiting_for_locks",
}
METRIC = re.compile(r"\b(?:drystone|pg)_[a-z_]+\b(?!\s*=|\")")


def documents(path: Path) -> list[Any]:
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def compose(name: str = "compose.yaml") -> dict[str, Any]:
    (document,) = documents(DOCKER / name)
    return dict(document)


def alerts() -> list[dict[str, Any]]:
    return [
        rule
        for path in sorted((DOCKER / "prometheus" / "rules").glob("*.yml"))
        for document in documents(path)
        for group in document["groups"]
        for rule in group["rules"]
    ]


def manifests() -> list[dict[str, Any]]:
    folder = DOCKER / "kubernetes"
    return [each for path in sorted(folder.glob("*.yaml")) for each in documents(path)]


def containers(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every container of a manifest."""
    if isinstance(value, dict):
        yield from value.get("containers") or ()
        for part in value.values():
            yield from containers(part)
    elif isinstance(value, list):
        for part in value:
            yield from containers(part)


def test_the_stack_has_its_services() -> None:
    services = compose()["services"]
    assert services.keys() == SERVICES | OBSERVABILITY
    for name in OBSERVABILITY:
        assert services[name]["profiles"] == ["observability"]
    for name in ("worker", "backup"):
        assert services[name]["profiles"] == [name]


def test_every_image_is_pinned() -> None:
    images = [each["image"] for each in compose()["services"].values()]
    for dockerfile in DOCKER.rglob("Dockerfile"):
        images += re.findall(r"^FROM (\S+)", dockerfile.read_text(), re.MULTILINE)
    assert len(images) > 10
    for image in images:
        _, _, tag = image.rpartition(":")
        assert re.search(r"\d|^trixie", tag), image
        assert "latest" not in tag


def test_every_service_is_watched() -> None:
    for name, service in compose()["services"].items():
        check = service["healthcheck"]
        if name in {"migrate", "backup", "postgres-exporter"}:
            assert check == {"disable": True}
        else:
            assert check["test"][0] in {"CMD", "CMD-SHELL"}
            assert {"interval", "timeout", "retries", "start_period"} <= check.keys()
        assert service["restart"] in {"unless-stopped", "on-failure:5", "no"}


def test_every_secret_is_a_file() -> None:
    for name in ("compose.yaml", "compose.production.yaml"):
        document = compose(name)
        declared = document["secrets"]
        assert all(secret.keys() == {"file"} for secret in declared.values())
        for service in document["services"].values():
            for secret in service.get("secrets", ()):
                assert secret in declared | compose()["secrets"]
            for variable, value in (service.get("environment") or {}).items():
                if re.search("PASS|SECRET|URL$|TOKEN", variable):
                    assert variable.endswith(("_FILE", "__FILE")), variable
                assert "://" not in str(value) or variable == "DATA_SOURCE_URI"


def test_the_secrets_are_made_once_and_for_the_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    make = [DOCKER / "make-secrets.sh", folder]
    subprocess.run(make, check=True)
    first = {path.name: path.read_text() for path in folder.iterdir()}
    wanted = compose()["secrets"]
    assert first.keys() == wanted.keys()
    assert {Path(each["file"]).name for each in wanted.values()} == first.keys()
    assert len(set(first.values())) == len(first)
    assert first["redis_password"] in first["redis_url"]
    assert first["redis_password"] not in first["redis_users"]
    assert folder.stat().st_mode & 0o777 == 0o700
    subprocess.run(make, check=True)
    assert first == {path.name: path.read_text() for path in folder.iterdir()}


def test_what_must_not_be_committed_is_ignored() -> None:
    ignored = (DOCKER / ".gitignore").read_text().splitlines()
    assert {"/.env", "/secrets/", "/certificates/"} <= set(ignored)


def test_the_example_of_env_names_every_variable() -> None:
    text = "".join(path.read_text() for path in DOCKER.glob("compose*.yaml"))
    used = set(re.findall(r"\$\{(\w+)", text))
    example = (DOCKER / ".env.example").read_text()
    assert used == set(re.findall(r"^(\w+)=", example, re.MULTILINE))
    for name, default in re.findall(r"\$\{(\w+):-([^}]+)\}", text):
        assert f"\n{name}={default}\n" in example


def test_production_publishes_no_port_and_writes_to_no_container() -> None:
    assert all("ports" not in each for each in compose()["services"].values())
    production = compose("compose.production.yaml")
    assert production["services"].keys() == SERVICES | OBSERVABILITY
    for service in production["services"].values():
        assert "ports" not in service
        assert service["read_only"] is True
        assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}
    assert production["networks"]["back"]["internal"] is True


def test_production_speaks_postgresql_with_tls_only() -> None:
    services = compose("compose.production.yaml")["services"]
    for name in ("migrate", "serve", "relay", "worker", "backup"):
        assert services[name]["environment"]["PGSSLMODE"] == "verify-full"
    rules = [
        line.split()
        for line in (DOCKER / "postgres" / "pg_hba.production.conf")
        .read_text()
        .splitlines()
        if line and not line.startswith("#")
    ]
    for rule in rules:
        if rule[0] != "local":
            assert rule[0] == "hostssl" or rule[-1] == "reject"
        assert rule[-1] in {"scram-sha-256", "peer", "reject"}


def test_no_container_runs_as_root() -> None:
    for dockerfile in DOCKER.rglob("Dockerfile"):
        users = re.findall(r"^USER (\S+)", dockerfile.read_text(), re.MULTILINE)
        assert users, dockerfile
        assert "root" not in users


def test_the_images_libraries_are_those_of_the_lock_file() -> None:
    """The same versions as everybody develops and tests with."""
    pinned = re.compile(r"^([\w.-]+)==([^\s;]+)", re.MULTILINE)
    everything = dict(pinned.findall((PROJECT / "requirements.lock").read_text()))
    runtime = dict(pinned.findall((DOCKER / "requirements.lock").read_text()))
    assert {"psycopg", "bullmq", "starlette"} <= runtime.keys()
    assert "pytest" not in runtime
    assert runtime.items() <= everything.items()


def test_the_image_is_built_from_what_it_is_given() -> None:
    allowed = (PROJECT / ".dockerignore").read_text()
    for needed in ("src", "sql", "migrations", "pyproject.toml", "hatch_build.py"):
        assert f"\n!{needed}\n" in allowed


def test_no_file_names_a_package_registry() -> None:
    names = re.compile(r"https?://(?!127\.0\.0\.1|prometheus:)")
    for path in DOCKER.rglob("*"):
        if path.is_file() and path.suffix not in {".lock", ".md"}:
            if {"secrets", "certificates"} & set(path.relative_to(DOCKER).parts):
                continue
            assert not names.search(path.read_text(encoding="utf-8")), path


# --- Observability ---------------------------------------------------------------


def test_alerts_use_metrics_that_exist() -> None:
    used = {name for rule in alerts() for name in METRIC.findall(rule["expr"])}
    assert used <= METRICS
    assert len(used) > 20


def test_every_alert_has_its_section_in_the_operations_guide() -> None:
    sections = re.findall(r"^### (\w+)$", OPERATIONS, re.MULTILINE)
    names = [rule["alert"] for rule in alerts()]
    assert sorted(sections) == sorted(names)
    for rule in alerts():
        assert rule["labels"]["severity"] in {"page", "ticket"}
        anchor = f"docs/operations.md#{rule['alert'].lower()}"
        assert rule["annotations"]["runbook"] == anchor
        assert rule["annotations"]["summary"]


def test_the_rules_are_what_prometheus_reads() -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed; it comes with prometheus")
    subprocess.run(
        ["promtool", "check", "config", DOCKER / "prometheus" / "prometheus.yml"],
        check=True,
    )


def panels(name: str) -> list[dict[str, Any]]:
    path = DOCKER / "grafana" / "dashboards" / f"{name}.json"
    found = json.loads(path.read_text(encoding="utf-8"))["panels"]
    assert len({panel["id"] for panel in found}) == len(found)
    return [panel for panel in found if panel["type"] != "row"]


@pytest.mark.parametrize("name", ["drystone", "postgresql"])
def test_every_panel_of_a_dashboard_shows_something(name: str) -> None:
    (provisioned,) = documents(
        DOCKER / "grafana" / "provisioning" / "datasources" / "prometheus.yaml"
    )
    for panel in panels(name):
        assert panel["datasource"]["uid"] == provisioned["datasources"][0]["uid"]
        assert panel["targets"]
        assert all(METRIC.search(target["expr"]) for target in panel["targets"])


def test_the_dashboard_shows_every_metric_and_no_other() -> None:
    shown = {
        name
        for panel in panels("drystone")
        for target in panel["targets"]
        for name in METRIC.findall(target["expr"])
    }
    assert shown == METRICS


def test_the_migrations_need_not_create_roles() -> None:
    """The role that migrates may not; so every one of them is made beforehand."""
    text = "".join(path.read_text() for path in (PROJECT / "migrations").rglob("*.sql"))
    wanted = set(re.findall(r"\'(drystone_\w+)\'", text))
    roles = (DOCKER / "postgres" / "roles.sql").read_text()
    assert wanted <= set(
        re.findall(r"^        \(\'(drystone_\w+)\'", roles, re.MULTILINE)
    )


# --- Kubernetes ------------------------------------------------------------------


def test_the_manifests_are_all_listed() -> None:
    folder = DOCKER / "kubernetes"
    (kustomization,) = documents(folder / "kustomization.yaml")
    files = {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"}
    assert set(kustomization["resources"]) == files


def test_pods_have_no_privilege_and_no_secret_in_their_environment() -> None:
    found = [each for each in manifests() if each["kind"] in {"Deployment", "Job"}]
    assert len(found) == 4
    for manifest in found:
        pod = manifest["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        for container in containers(manifest):
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] is True
            assert context["capabilities"] == {"drop": ["ALL"]}
            names = {each["name"] for each in container["env"]}
            assert "PGPASSWORD_FILE" in names
            assert "PGPASSWORD" not in names
    assert not [each for each in manifests() if each["kind"] == "Secret"]


def test_both_ways_of_running_set_up_the_same_database() -> None:
    """Kubernetes' cluster and compose's scripts: the same roles and settings."""
    (cluster,) = (each for each in manifests() if each["kind"] == "Cluster")
    bootstrap = cluster["spec"]["bootstrap"]["initdb"]
    text = " ".join([*bootstrap["postInitSQL"], *bootstrap["postInitApplicationSQL"]])
    roles = (DOCKER / "postgres" / "roles.sql").read_text()
    database = (DOCKER / "postgres" / "database.sql").read_text()
    groups = set(re.findall(r"^        \('(drystone_\w+)'", roles, re.MULTILINE))
    assert set(re.findall(r"CREATE ROLE (\w+)", text)) == groups
    for setting in re.findall(r"ALTER DATABASE %I SET ([\w.]+)", database):
        assert f"ALTER DATABASE drystone SET {setting} " in text
    logins = set(re.findall(r"ALTER ROLE (\w+) PASSWORD", roles))
    managed = {role["name"] for role in cluster["spec"]["managed"]["roles"]}
    # The operator has a login of its own for PgBouncer.
    assert managed | {bootstrap["owner"]} == logins - {"drystone_pool"}
