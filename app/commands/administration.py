"""What the commands that administer a running platform share: whom they speak with, and how."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from core.data_folder import data_folder

if TYPE_CHECKING:
    from core.admin_client import AdminClient
    from core.running_platforms import RunningPlatform

T = TypeVar("T")

DataOption = Annotated[Path | None, typer.Option(help="Data folder; otherwise EVROAM_DATA or the user's own.")]
PlatformOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="home-csp or a visited-CSO's name, where several run.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def with_platform(data: Path | None, name: str | None, work: "Callable[[AdminClient], Awaitable[T]]") -> T:
    """Do something at the running platform of this name. Raises NotFound (not_running), and what the work raises."""
    from core.running_platforms import running_platform

    folder = data_folder(data)
    return at_platform(folder, running_platform(folder, name), work)


def at_platform(folder: Path, platform: "RunningPlatform", work: "Callable[[AdminClient], Awaitable[T]]") -> T:
    """Do something at this platform."""
    from core.running_platforms import administrator

    async def run() -> T:
        client = administrator(folder, platform)
        try:
            return await work(client)
        finally:
            await client.close()

    return asyncio.run(run())
