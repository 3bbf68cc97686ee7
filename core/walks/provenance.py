"""Which program walked: the commit it stands on."""

import shutil
import subprocess
from pathlib import Path

UNPACKAGED = "unpackaged"
"""The commit of a program that does not run from a git work tree."""

_ROOT = Path(__file__).resolve().parents[2]
_WITHIN_SECONDS = 10


def program_commit(root: Path = _ROOT) -> str:
    """The git commit of the work tree that the program runs from, with `-dirty` where files differ from it."""
    git = shutil.which("git")
    if git is None or not (root / ".git").exists():
        return UNPACKAGED
    command = [git, "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude", "*"]
    try:
        # The arguments are our own, and git is the user's.
        said = subprocess.run(command, capture_output=True, text=True, timeout=_WITHIN_SECONDS, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return UNPACKAGED
    return said.stdout.strip() or UNPACKAGED
