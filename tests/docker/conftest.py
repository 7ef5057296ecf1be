"""The images, built once, where there is an engine to build them."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.docker.stack import build_images

_INSTALL = (
    "there is no container engine: install Docker with its compose plugin, or podman"
    " with podman-compose and a `docker` command that calls them"
)


@pytest.fixture(scope="session")
def images() -> None:
    """The images of docker/, built; skipped without a container engine."""
    if shutil.which("docker") is None:
        pytest.skip(_INSTALL)
    asked = subprocess.run(
        ["docker", "compose", "version"], capture_output=True, check=False
    )
    if asked.returncode != 0:
        pytest.skip(_INSTALL)
    build_images()
