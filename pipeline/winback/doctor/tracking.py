"""MLflow servers and folders that the environment names, and whether a stranger could write or read there.

winback keeps its models in its own store and asks no server. But `mlflow` and notebooks in the same environment
do, and a model that they load from a server may run its author's code.
"""

from __future__ import annotations

import ipaddress
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from winback.doctor.finding import Finding

URIS = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")
LOGINS = (
    "MLFLOW_TRACKING_USERNAME",
    "MLFLOW_TRACKING_TOKEN",
    "MLFLOW_TRACKING_CLIENT_CERT_PATH",
    "MLFLOW_TRACKING_AUTH",
)
NOT_USED = "winback does not use it, but mlflow and notebooks of this environment do."


def tracking(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Findings about MLflow's settings in the environment; one that all is well where there are none."""
    found = [finding for name in URIS if environ.get(name) for finding in _of_uri(name, environ)]
    if environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() == "true":
        todo = "Unset it: anybody on the way could stand in for the server."
        found.append(Finding("MLFLOW_TRACKING_INSECURE_TLS", "fail", "certificates are not checked", todo))
    if environ.get("MLFLOW_HOST") in ("0.0.0.0", "::"):  # noqa: S104 - it is looked for, not listened on
        todo = "Set it to 127.0.0.1: a server without login serves everybody who reaches this machine."
        found.append(Finding("MLFLOW_HOST", "fail", "a server started here listens to every network", todo))
    yield from found or [Finding("tracking", "ok", "no tracking server is set; models stay in the project's state")]


def _of_uri(name: str, environ: Mapping[str, str]) -> Iterator[Finding]:
    uri = environ[name]
    parts = urlsplit(uri)
    if parts.scheme in ("http", "https"):
        yield _of_server(name, uri, environ)
    elif parts.scheme in ("", "file", "sqlite"):
        yield _of_folder(name, Path(parts.path.removeprefix("/") if parts.scheme == "sqlite" else parts.path))
    else:
        yield Finding(name, "warn", f"{parts.scheme} store {_bare(uri)}", f"See who may write there. {NOT_USED}")


def _of_server(name: str, uri: str, environ: Mapping[str, str]) -> Finding:
    """A server: in clear over a network, or without a login, is not safe to load models from."""
    parts = urlsplit(uri)
    near, shown = _is_here(parts.hostname or ""), _bare(uri)
    if parts.password:
        return Finding(
            name, "fail", f"a password stands in the address of {shown}", "Use MLFLOW_TRACKING_PASSWORD instead."
        )
    if parts.scheme == "http" and not near:
        return Finding(name, "fail", f"{shown}: another machine, in clear", f"Use https with a login. {NOT_USED}")
    if not any(environ.get(login) for login in LOGINS):
        where = "this machine" if near else "another machine"
        todo = f"Give it a login: whoever reaches it can replace a model. {NOT_USED}"
        return Finding(name, "warn", f"{shown}: {where}, without a login", todo)
    return Finding(name, "ok", f"{shown}, with a login")


def _of_folder(name: str, path: Path) -> Finding:
    """A folder or database file: others who may write there may put models there."""
    there = next((each for each in (path, *path.parents) if each.exists()), Path())
    if there.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return Finding(name, "fail", f"others may write to {there}", f"Run: chmod go-w {there}")
    return Finding(name, "ok", f"{path} is written to by its owner alone")


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _bare(uri: str) -> str:
    """The address without a login in it."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"
