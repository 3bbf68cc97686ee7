"""`evroam certificates`: how platforms on two machines come to trust one another (UC1-1)."""

from pathlib import Path
from typing import Annotated

import typer

from app.commands import say
from app.commands.administration import DataOption, at_platform
from core.admin_messages import CertificateBundle
from core.data_folder import data_folder
from core.errors import InvalidInput

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Exchange the certificates by which platforms and front ends trust one another.",
)

_LARGEST = 20_000


@app.command("export")
def export(
    file: Annotated[Path, typer.Argument(help="Where to write the PEM file for the partner; no secret is in it.")],
    data: DataOption = None,
) -> None:
    """Write the certificate of this data folder's authority, for partners to import."""
    from core.endpoint.tls import CertificateAuthority

    _write(file, CertificateAuthority.open(data_folder(data) / "authority").export(), secret=False)
    say(f"Written to {file}: give it to the partner, who imports it with evroam certificates import.")


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="The PEM file that the partner exported.")], data: DataOption = None
) -> None:
    """Trust a partner's authority from now on, at once in every platform that runs from this data folder."""
    from core.endpoint.tls import CertificateAuthority
    from core.running_platforms import running_platforms

    folder, pem = data_folder(data), _read(file)
    fingerprint = CertificateAuthority.open(folder / "authority").trust(pem)
    bundle = CertificateBundle(pem=pem.decode("ascii"))
    running = running_platforms(folder)
    for platform in running:
        at_platform(folder, platform, lambda client: client.import_certificates(bundle))
    known = f"Platforms that know it now: {', '.join(one.name for one in running)}." if running else "No platform runs."
    say(f"Trusted: {fingerprint}\nCompare this SHA-256 fingerprint with the partner's. {known}")


@app.command("front-end")
def export_front_end(
    file: Annotated[Path, typer.Argument(help="Where to write the PEM file; it holds a private key.")],
    data: DataOption = None,
) -> None:
    """Write the identity by which a front end elsewhere reaches the driver API: certificate, key and authority."""
    from core.assembly import front_end
    from core.endpoint.tls import CertificateAuthority

    folder = data_folder(data)
    authority = CertificateAuthority.open(folder / "authority")
    identity = front_end(folder, authority)
    _write(file, identity.certificate.read_bytes() + identity.key.read_bytes() + authority.export(), secret=True)
    say(f"Written to {file}: it holds a private key, carry it to the front end and nowhere else.")


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            content = stream.read(_LARGEST + 1)
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror or error}.", code="unreadable_file") from error
    if len(content) > _LARGEST or not content.isascii():
        raise InvalidInput(
            f"{file} is not a certificate.", code="no_certificate", next_step="Ask the partner for its exported file."
        )
    return content


def _write(file: Path, content: bytes, *, secret: bool) -> None:
    try:
        file.touch(mode=0o600 if secret else 0o644)
        if secret:
            file.chmod(0o600)
        file.write_bytes(content)
    except OSError as error:
        raise InvalidInput(
            f"{file} cannot be written: {error.strerror or error}.",
            code="unwritable_file",
            next_step="Name another file.",
        ) from error
