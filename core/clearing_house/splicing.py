"""One member of a JSON text replaced, every other byte left as it came."""

from core.endpoint.ocpi.reading import JsonObject, check_structure, decode, scan, skip_space, to_text


def with_member(body: bytes, name: str, value: str) -> bytes:
    """The JSON object with the text of one string member of it replaced. Raises Unreadable where it is no JSON."""
    text = decode(body)
    check_structure(text)
    index = skip_space(text, 0)
    while index < len(text) and text[index] in "{,":
        index = skip_space(text, index + 1)
        if text.startswith("}", index):
            break
        key, index = scan(text, index)
        start = skip_space(text, skip_space(text, index) + 1)
        _, end = scan(text, start)
        if key == name:
            return (text[:start] + to_text(value) + text[end:]).encode()
        index = skip_space(text, end)
    return body


def text_member(body: JsonObject, name: str) -> str | None:
    """A string member, None where it is missing or something else."""
    value = body.get(name)
    return value if isinstance(value, str) else None
