"""Which platforms run from a data folder, and how their administrator reaches them.

A running platform leaves a file that says where its admin API is; a random secret beside it, readable by its owner
only, is the credential. A file that a crash left behind is known by a process that is gone or a port that is closed.
"""

import os
import secrets
import socket
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.admin_client import AdminClient
from core.data_folder import HOME_CSP
from core.endpoint.tls import CertificateAuthority
from core.errors import EvroamError, InvalidInput, NotFound, Refused

_FOLDER = "administration"
_ANSWERS_WITHIN = 1.0


class RunningPlatform(BaseModel):
    """What the file of a running platform says."""

    model_config = ConfigDict(frozen=True)

    name: str
    admin_url: str
    pid: int = Field(gt=0, lt=2**31)

    @property
    def answers(self) -> bool:
        """Whether the process is there and somebody listens at the address: a port or a pid alone may be another's."""
        if not _is_alive(self.pid):
            return False
        parts = urlsplit(self.admin_url)
        try:
            with socket.create_connection((parts.hostname or "", parts.port or 443), _ANSWERS_WITHIN):
                return True
        except (OSError, ValueError):
            return False


def secret_of(folder: Path, name: str) -> str:
    """The credential of a platform's administrator, made on first use."""
    file = _administration(folder) / f"{name}.secret"
    kept = file.read_text("ascii") if file.exists() else ""
    if kept:
        return kept
    # Written beside and renamed, so that a program killed meanwhile leaves no empty secret.
    descriptor, beside = tempfile.mkstemp(prefix=f"{file.name}.", dir=file.parent)
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(secrets.token_urlsafe(32))
        stream.flush()
        os.fsync(stream.fileno())
    Path(beside).replace(file)
    return file.read_text("ascii")


def refuse_second(folder: Path, name: str) -> None:
    """Raise Refused where this platform runs from this folder already."""
    before = _read(_file(folder, name))
    if before is not None and before.answers:
        raise Refused(
            f"The platform {name} runs from {folder} already (process {before.pid}).",
            code="already_running",
            next_step="Stop it first, or name another data folder with --data.",
        )


@contextmanager
def announced(folder: Path, name: str, admin_url: str) -> Iterator[RunningPlatform]:
    """Let the administrator find this platform until the block is left."""
    running = RunningPlatform(name=name, admin_url=admin_url, pid=os.getpid())
    file = _file(folder, name)
    new = file.with_suffix(".new")
    new.write_text(running.model_dump_json(), "utf-8")
    new.replace(file)
    try:
        yield running
    finally:
        with suppress(OSError):
            file.unlink(missing_ok=True)


def running_platforms(folder: Path) -> list[RunningPlatform]:
    """Those that answer, the home-CSP first, then by name."""
    found = [_read(file) for file in (folder / _FOLDER).glob("*.json")]
    answering = [one for one in found if one is not None and one.answers]
    return sorted(answering, key=lambda one: (one.name != HOME_CSP, one.name))


def running_platform(folder: Path, name: str | None) -> RunningPlatform:
    """The platform of this name; without one the only one that runs, or the home-CSP among several.

    Raises NotFound where it does not run, InvalidInput where several run and none of them is meant.
    """
    running = running_platforms(folder)
    meant = [one for one in running if one.name == name] if name is not None else running
    if not meant:
        raise _not_running(folder, name, running)
    if len(meant) > 1 and meant[0].name != HOME_CSP:
        names = ", ".join(one.name for one in meant)
        raise InvalidInput(
            "Several platforms run from this data folder.",
            code="which_platform",
            next_step=f"Name one with --platform: {names}.",
        )
    return meant[0]


def administrator(folder: Path, platform: RunningPlatform) -> AdminClient:
    """The client for a running platform; it trusts the folder's own authority and no other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(cadata=CertificateAuthority.open(folder / "authority").export().decode("ascii"))
    return AdminClient(platform.admin_url, secret_of(folder, platform.name), context)


def _is_alive(pid: int) -> bool:
    if os.name != "posix":  # elsewhere the signal 0 would end the process
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _not_running(folder: Path, name: str | None, running: list[RunningPlatform]) -> EvroamError:
    if name is not None and running:
        others = ", ".join(one.name for one in running)
        return NotFound(
            f"The platform {name[:80]} is not running.",
            code="not_running",
            next_step=f"Running from {folder}: {others}.",
        )
    return NotFound(
        f"No platform is running from {folder}.",
        code="not_running",
        next_step="Start one: `evroam`, or `evroam serve home-csp` or `evroam serve visited-cso` with --data.",
    )


def _administration(folder: Path) -> Path:
    place = folder / _FOLDER
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    return place


def _file(folder: Path, name: str) -> Path:
    return _administration(folder) / f"{name}.json"


def _read(file: Path) -> RunningPlatform | None:
    try:
        return RunningPlatform.model_validate_json(file.read_text("utf-8"))
    except (OSError, ValueError, ValidationError):
        return None
