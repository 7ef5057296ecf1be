"""The stack of docker/compose.yaml, up for a test: its own ports and secrets."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from psycopg.conninfo import make_conninfo

from tests.clusters import free_port

PROJECT = Path(__file__).parents[2]
DOCKER = PROJECT / "docker"
IMAGES = {
    "drystone-postgres:18": ("docker/postgres/Dockerfile", "docker/postgres"),
    "drystone-pgbouncer:1": ("docker/pgbouncer/Dockerfile", "docker/pgbouncer"),
    "drystone-redis:8": ("docker/redis/Dockerfile", "docker/redis"),
    "drystone:0.1.0": ("docker/Dockerfile", "."),
    "drystone-backup:0.1.0": ("docker/backup/Dockerfile", "."),
}
_PROFILES = ("worker", "backup", "observability")
_PORTS = ("DATABASE", "PGBOUNCER", "REDIS", "SERVE", "PROMETHEUS", "GRAFANA")


def docker(*arguments: str, check: bool = True, timeout: float = 300) -> str:
    """Run docker, and return what it prints; what it says besides is for the report."""
    done = subprocess.run(
        ["docker", *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    told = f"docker {shlex.join(arguments)}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
    assert done.returncode == 0 or not check, told
    return done.stdout


def build_images() -> None:
    """Build the images.

    DOCKER_BUILD_FLAGS has further arguments, for machines that need them: a network,
    a proxy, a certificate authority.
    """
    flags = shlex.split(os.environ.get("DOCKER_BUILD_FLAGS", ""))
    for image, (file, context) in IMAGES.items():
        docker("build", *flags, "--file", file, "--tag", image, context, timeout=1200)


def has_image(image: str) -> bool:
    """Tell whether an image is here, pulled if need be."""
    return any(
        subprocess.run(
            ["docker", *words, image], capture_output=True, check=False, timeout=300
        ).returncode
        == 0
        for words in (("image", "inspect"), ("pull",))
    )


class Stack:
    """Compose with a project name, folders and ports that nobody else has."""

    def __init__(self, folder: Path, name: str, *files: str) -> None:
        self.name = name
        self.secrets = folder / "secrets"
        self.certificates = folder / "certificates"
        self.ports = {each: free_port() for each in _PORTS}
        self._files = files
        self._environment = {
            "DRYSTONE_SECRETS": str(self.secrets),
            "DRYSTONE_CERTIFICATES": str(self.certificates),
            "WORKER_FOLDER": str(folder / "worker"),
            **{f"{each}_PORT": str(port) for each, port in self.ports.items()},
        }
        subprocess.run([DOCKER / "make-secrets.sh", self.secrets], check=True)

    def compose(self, *arguments: str, check: bool = True) -> str:
        """Run ``docker compose`` in the project."""
        files = [part for name in self._files for part in ("-f", str(DOCKER / name))]
        command = ["docker", "compose", "-p", self.name, *files, *arguments]
        done = subprocess.run(
            command,
            cwd=DOCKER,
            env={**os.environ, **self._environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        told = f"{shlex.join(command)}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
        assert done.returncode == 0 or not check, told
        return done.stdout

    def up(self, *services: str) -> None:
        """Start services all at once, and wait until they have ended or are well."""
        self.compose("up", "--detach", *services)
        if "migrate" in services:
            self.wait_for_end("migrate")
        for service in services:
            self.wait_until_healthy(service)

    def container(self, service: str) -> str:
        """Return the id of a service's container."""
        for separator in ("_", "-"):
            name = f"{self.name}{separator}{service}{separator}1"
            if found := docker("ps", "--all", "--quiet", "--filter", f"name={name}"):
                return found.split()[0]
        raise AssertionError(f"{service} has no container")

    def inspect(self, service: str) -> dict[str, Any]:
        """Return what docker knows of a service's container."""
        return dict(json.loads(docker("inspect", self.container(service)))[0])

    def wait_until_healthy(self, service: str, *, seconds: float = 120) -> None:
        """Run a service's health check by hand: not every engine runs it by itself."""
        check = self.inspect(service)["Config"].get("Healthcheck") or {}
        test = check.get("Test") or ["NONE"]
        if test[0] == "NONE":
            return
        command = test[1:] if test[0] == "CMD" else ["sh", "-c", test[1]]

        def healthy() -> bool:
            done = subprocess.run(
                ["docker", "exec", self.container(service), *command],
                capture_output=True,
                check=False,
                timeout=60,
            )
            return done.returncode == 0

        within(seconds, healthy, lambda: f"not healthy: {self.log(service)}")

    def wait_for_end(self, service: str, *, seconds: float = 180) -> None:
        """Wait for a service that runs once; it must end well."""

        def ended() -> bool:
            state = self.inspect(service)["State"]
            return bool(state["Status"] == "exited" and state["ExitCode"] == 0)

        within(seconds, ended, lambda: f"not ended well: {self.log(service)}")

    def log(self, service: str) -> str:
        """Return the end of what a service has written."""
        done = subprocess.run(
            ["docker", "logs", "--tail", "30", self.container(service)],
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr

    def restarts(self, service: str) -> int:
        """Return how often a service's container was started again."""
        return int(self.inspect(service).get("RestartCount", 0))

    def psql(self, text: str, *, database: str = "drystone") -> str:
        """Run SQL as the superuser, in the database's container."""
        return docker(
            *("exec", self.container("db"), "psql", "--no-psqlrc", "-At"),
            *("-v", "ON_ERROR_STOP=1", "-d", database, "-c", text),
        ).strip()

    def conninfo(self, user: str, *, pooled: bool, database: str = "drystone") -> str:
        """Return conninfo of a role: through PgBouncer, or to PostgreSQL itself."""
        role = user.removeprefix("drystone_")
        return make_conninfo(
            "",
            host="127.0.0.1",
            port=self.ports["PGBOUNCER" if pooled else "DATABASE"],
            user=user,
            password=(self.secrets / f"{role}_password").read_text(),
            dbname=database,
        )


def within(
    seconds: float, met: Callable[[], bool], otherwise: Callable[[], str]
) -> None:
    """Wait until a condition is met."""
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.5)


@contextmanager
def stack_up(folder: Path, name: str, files: Sequence[str]) -> Iterator[Stack]:
    """Lend a stack; its containers, volumes and networks go when the block ends."""
    (folder / "worker").mkdir()
    shutil.copy(DOCKER / "example" / "jobs.py", folder / "worker")
    stack = Stack(folder, name, *files)
    try:
        yield stack
    finally:
        profiles = [f"--profile={each}" for each in _PROFILES]
        stack.compose(*profiles, "down", "--volumes", "--timeout", "5", check=False)
