"""Where a platform keeps what it knows: the data folder, and the name of each platform's store in it."""

import os
from pathlib import Path

from platformdirs import user_data_path

from core.errors import InvalidInput

VARIABLE = "EVROAM_DATA"
"""The environment variable that names the data folder where no option does."""

HOME_CSP = "home-csp"
"""The name of the home-CSP's store in the data folder."""

CLEARING_HOUSE = "clearing-house"
"""The name of the clearing house's store in the data folder."""


def data_folder(option: Path | None = None) -> Path:
    """The data folder, made if need be: the option, else EVROAM_DATA, else the user's own data folder.

    Raises InvalidInput where it is no folder or cannot be made.
    """
    named = os.environ.get(VARIABLE)
    folder = option or (Path(named) if named else user_data_path("evroam", appauthor=False))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(
            f"The data folder {folder} cannot be used: {error.strerror or error}.",
            code="data_folder",
            next_step=f"Name another with --data or {VARIABLE}.",
        ) from error
    return folder.resolve()


def store_path(folder: Path, platform_name: str) -> Path:
    """The SQLite file of one platform, such as `HOME_CSP`."""
    return folder / f"{platform_name}.sqlite"


def store_url(folder: Path, platform_name: str) -> str:
    """The database URL of one platform's SQLite file."""
    return f"sqlite:///{store_path(folder, platform_name).as_posix()}"
