"""What the tests of the wire share: the examples of the specification, and how a refusal is judged."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from core.endpoint.ocpi.codec import Codec
from core.endpoint.ocpi.reading import JsonObject, parse, parse_object, to_text
from core.endpoint.ocpi.shape import InvalidMember

Example = Callable[[str], bytes]
NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def example(shared_data: Path) -> Example:
    """The bytes of an example of OCPI 2.2.1, by its path."""
    return lambda path: (shared_data / "ocpi_examples" / "2.2.1" / f"{path}.json").read_bytes()


@pytest.fixture(scope="session")
def example_2_3_0(shared_data: Path) -> Example:
    """The bytes of an example of OCPI 2.3.0, by its path."""
    return lambda path: (shared_data / "ocpi_examples" / "2.3.0" / f"{path}.json").read_bytes()


def require_no_loss(codec: Codec[Any, Any], body: bytes) -> None:
    """A valid object goes to the model and back, and stands as it came."""
    original = parse(body)
    held = codec.read(body)
    assert parse(held.body) == original
    assert codec.wire(held.value) == original
    assert parse(codec.rewrite(held, held.value).body) == original


def require_unknown_kept(codec: Codec[Any, Any], body: bytes) -> None:
    """An unknown member in every object of a valid one survives a change of the whole."""
    marked = _marked(parse(body))
    held = codec.read(to_text(marked))
    assert parse(held.body) == marked
    changed = held.value
    if hasattr(changed, "last_updated"):
        changed = changed.model_copy(update={"last_updated": NOON})
        marked["last_updated"] = "2024-05-01T12:00:00Z"
    assert parse(codec.rewrite(held, changed).body) == marked


def _marked(value: Any) -> Any:
    """The value with an unknown member in every object."""
    if isinstance(value, dict):
        return {**{name: _marked(member) for name, member in value.items()}, "nltnm_extra": {"more": [1, None]}}
    return [_marked(item) for item in value] if isinstance(value, list) else value


def read_of(example: Example, path: str) -> JsonObject:
    """The JSON of an example, to be changed."""
    return parse_object(example(path))


def path_of(codec: Codec[Any, Any], value: JsonObject) -> str:
    """The path of the one fault for which an object is refused."""
    with pytest.raises(InvalidMember) as refusal:
        codec.read(to_text(value))
    (fault,) = refusal.value.faults
    return fault.path
