"""The table of the use cases in the README, made from the registry: `python -m core.walks.use_case_table README.md`."""

import re
import sys
from pathlib import Path

from core.walks.conformance.checks import CHECKS
from core.walks.use_cases import USE_CASES, UseCase

BEGIN, END = "<!-- use cases, from core/walks/use_cases.py -->\n", "<!-- end of use cases -->\n"


def table() -> str:
    """One row a use case: number, clause, title, modules, tests, and how many checks `evroam conformance` makes."""
    rows = ["| Use case | Clause | Title | Where | Tested by | Checks |", "|---|---|---|---|---|---|"]
    return "\n".join([*rows, *map(_row, USE_CASES)]) + "\n"


def with_table(text: str) -> str:
    """A document with the table between its markers as the registry has it now. Raises ValueError without markers."""
    found = re.search(re.escape(BEGIN) + ".*?" + re.escape(END), text, re.DOTALL)
    if found is None:
        raise ValueError("the document has no markers for the table of use cases")
    return text[: found.start()] + BEGIN + table() + END + text[found.end() :]


def _row(one: UseCase) -> str:
    checks = sum(check.use_case == one.id for check in CHECKS)
    where = "<br>".join(f"`{name}`" for name in one.where)
    tested = "<br>".join(f"`{path}`" for path in one.tested)
    return f"| {one.id} | {one.clause} | {one.title} | {where} | {tested} | {checks} |"


if __name__ == "__main__":
    document = Path(sys.argv[1])
    document.write_text(with_table(document.read_text("utf-8")), "utf-8")
