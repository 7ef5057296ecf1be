"""TLS: what a URL leaves open, and a server that proves who it is."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from psycopg.conninfo import make_conninfo

from drystone.database.session import connect
from drystone.database.transport import transport_problems
from drystone.embedded.account import find_account
from drystone.errors import DatabaseUnavailable
from drystone.settings import Settings
from tests.clusters import free_port

# The embedded build has no TLS; Debian's has.
PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
PASSWORD = "over-TLS-Pa55"


@pytest.mark.parametrize(
    ("conninfo", "hosts"),
    [
        ("postgresql:///shop", []),
        ("host=/run/postgresql dbname=shop", []),
        ("postgresql://app@localhost/shop?sslmode=disable", []),
        ("postgresql://app@127.0.0.1,[::1]/shop", []),
        ("postgresql://app@db.example.org/shop?sslmode=verify-full", []),
        ("postgresql://app@db.example.org/shop", ["db.example.org"]),
        ("postgresql://app@db.example.org/shop?sslmode=require", ["db.example.org"]),
        ("postgresql://app@db.example.org/shop?sslmode=verify-ca", ["db.example.org"]),
        ("host=localhost,10.0.0.7 dbname=shop sslmode=prefer", ["10.0.0.7"]),
        ("host=localhost hostaddr=10.0.0.7 dbname=shop", ["10.0.0.7"]),
    ],
)
def test_a_way_over_a_network_needs_a_server_that_proves_who_it_is(
    conninfo: str, hosts: list[str]
) -> None:
    assert [each.partition(":")[0] for each in transport_problems(conninfo)] == hosts


def test_libpqs_variable_counts_where_the_url_says_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    assert transport_problems("postgresql://app@db.example.org/shop") == []
    assert transport_problems("postgresql://app@db.example.org/shop?sslmode=allow")


def test_no_password_is_in_a_problem() -> None:
    (problem,) = transport_problems("postgresql://app:S3cret@db.example.org/shop")
    assert "S3cret" not in problem


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """A server with TLS that wants SCRAM over it: its port, and its authority."""
    if not PROGRAMS:
        pytest.skip("no PostgreSQL with TLS is installed")
    programs = PROGRAMS[-1].parent
    account = find_account()
    # Pytest's own folders are closed to the server's user.
    folder = Path(tempfile.mkdtemp(prefix="drystone-", dir="/tmp"))
    port = free_port()
    certify(folder, "localhost")
    secret = folder / "secret"
    secret.write_text(PASSWORD)
    data = folder / "data"
    for path in (folder, *folder.iterdir()):
        if account.foreign:
            os.chown(path, account.uid, account.gid)
    try:
        run(
            account.run(
                [
                    programs / "initdb",
                    f"--pgdata={data}",
                    "--username=postgres",
                    "--auth-host=scram-sha-256",
                    f"--pwfile={secret}",
                    "--no-sync",
                ]
            )
        )
        (data / "pg_hba.conf").write_text("hostssl all all all scram-sha-256\n")
        flags = {
            "port": port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": folder,
            "ssl": "on",
            "ssl_cert_file": folder / "server.crt",
            "ssl_key_file": folder / "server.key",
        }
        options = " ".join(f"-c {name}={value}" for name, value in flags.items())
        control: list[str | Path] = [programs / "pg_ctl", "-D", data, "-w"]
        run(account.run([*control, "-l", folder / "log", "-o", options, "start"]))
        try:
            authority = tmp_path_factory.mktemp("tls") / "ca.crt"
            authority.write_bytes((folder / "server.crt").read_bytes())
            yield port, authority
        finally:
            run(account.run([*control, "-m", "immediate", "stop"]))
    finally:
        shutil.rmtree(folder)


def run(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def certify(folder: Path, name: str) -> None:
    """Write a key and a certificate for a name, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    (folder / "server.crt").write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
    )
    private = folder / "server.key"
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    private.chmod(0o600)


def conninfo(port: int, host: str = "localhost", **parts: str) -> str:
    return make_conninfo(
        "",
        host=host,
        port=port,
        user="postgres",
        dbname="postgres",
        password=PASSWORD,
        **parts,
    )


def test_verify_full_and_channel_binding_reach_the_server(
    server: tuple[int, Path],
) -> None:
    port, authority = server
    strict = conninfo(
        port,
        sslmode="verify-full",
        sslrootcert=str(authority),
        channel_binding="require",
    )
    with connect(strict, Settings()) as opened:
        assert opened.pgconn.ssl_in_use
        assert opened.pgconn.used_password


def test_a_server_with_another_name_or_authority_is_refused(
    server: tuple[int, Path], tmp_path: Path
) -> None:
    port, authority = server
    named_otherwise = conninfo(
        port, "127.0.0.1", sslmode="verify-full", sslrootcert=str(authority)
    )
    certify(tmp_path, "localhost")
    of_another = conninfo(
        port, sslmode="verify-full", sslrootcert=str(tmp_path / "server.crt")
    )
    for refused in (named_otherwise, of_another):
        with pytest.raises(DatabaseUnavailable) as caught:
            connect(refused, Settings())
        assert "certificate" in str(caught.value)
        assert PASSWORD not in str(caught.value)


def test_nobody_gets_in_without_tls(server: tuple[int, Path]) -> None:
    port, _ = server
    with pytest.raises(DatabaseUnavailable, match="no encryption"):
        connect(conninfo(port, sslmode="disable"), Settings())
