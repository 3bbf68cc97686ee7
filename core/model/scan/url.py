"""Taking a scanned link apart, strictly: where readers of URLs differ, it is not a link to a known host."""

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)
_HOST_AND_PORT = re.compile(r"[^\s/?#:]+\.[^\s/?#:]+:[0-9]+(?:[/?#]|$)")
_NAME = r"[^\s/?#*=&\"'{}(),;<>|\\]+"
_WITHOUT_SCHEME = re.compile(
    rf"(?://)?(?:{_NAME}\.{_NAME}[/?#]|www\.|[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{{2,}}$)", re.IGNORECASE
)
_DEFAULT_PORT = {"https": ":443", "http": ":80", "": ":443"}


@dataclass(frozen=True)
class ScannedUrl:
    """A link as scanned. scheme: lower case, empty where none was written. authority: all between `//` and the path."""

    scheme: str
    authority: str
    path: str
    query: str

    @property
    def host(self) -> str:
        """The authority in lower case, without the scheme's default port: what the trust data is asked for."""
        return self.authority.lower().removesuffix(_DEFAULT_PORT.get(self.scheme, ""))

    @property
    def segments(self) -> tuple[str, ...]:
        """The path's segments as written; a slash at the end adds none."""
        path = self.path.removeprefix("/").removesuffix("/")
        return tuple(path.split("/")) if path else ()

    @property
    def members(self) -> tuple[tuple[str, str], ...]:
        """The query's members in their order: name decoded, value as written."""
        pairs = [pair.partition("=") for pair in self.query.split("&") if pair]
        return tuple((decoded(name) or "", value) for name, _, value in pairs)


def scheme_of(text: str) -> str | None:
    """The scheme of a URI in lower case; None if the text is none (`host:port` is no scheme)."""
    match = _SCHEME.fullmatch(text)
    return match[1].lower() if match and not _HOST_AND_PORT.match(text) else None


def take_apart(text: str) -> ScannedUrl | None:
    """The parts of a web link, also one without a scheme; None if the text is not one."""
    scheme = scheme_of(text)
    if scheme in ("http", "https"):
        rest = text[len(scheme) + 1 :]
        # A link without `//` has no authority: browsers repair it, each in its own way.
        rest = rest[2:] if rest.startswith("//") else "/" + rest
    elif scheme is None and _WITHOUT_SCHEME.match(text):
        scheme, rest = "", text.removeprefix("//")
    else:
        return None
    without_fragment = rest.partition("#")[0]
    hierarchical, _, query = without_fragment.partition("?")
    authority, slash, path = hierarchical.partition("/")
    return ScannedUrl(scheme, authority, slash + path, query)


def decoded(text: str) -> str | None:
    """Percent-decoded exactly once; None if the result is not UTF-8."""
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        return None
