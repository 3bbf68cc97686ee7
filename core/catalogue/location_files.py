"""Files of sites as a stream: a JSON array, an envelope with `data`, or objects one after the other; also gzipped.

A file is cut into the texts of its records without being read as a whole, so that memory stays the same for any size, a
record's text stays as it was written, and one bad record costs no other.
"""

import codecs
import re
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from gzip import BadGzipFile, GzipFile
from io import BufferedReader
from pathlib import Path

from core.errors import InvalidInput

LARGEST_RECORD = 16 * 1024 * 1024
"""Characters of one record; more is no site."""

_CHUNK = 256 * 1024
_GZIP_MAGIC = b"\x1f\x8b"
_STRING_OR_BRACKET = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|"|[{}\[\]]', re.DOTALL)
_MEMBER_DATA = re.compile(r'"data"\s*:\s*\Z')
_SPACE = re.compile(r"[ \t\r\n]*+")
_BETWEEN_VALUES = re.compile(r"[ \t\r\n,]*+")
_SCALAR = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[^",\]\s][^,\]\s]*+', re.DOTALL)


class BrokenFile(InvalidInput):
    """A file that cannot be read, or not to its end; what stood whole before that place was read."""

    code = "broken_file"


@dataclass(frozen=True)
class Record:
    """One record of a file: its number, counted from 0, and its text."""

    index: int
    text: str


class LocationFile:
    """A file of sites. Iterating it, once, gives its records; it raises BrokenFile where it can be read no further.

    size: of the file, in bytes. bytes_read: how much of that has been read so far.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.size = path.stat().st_size
            self._file: BufferedReader = path.open("rb")
        except OSError as error:
            raise BrokenFile(f"{path} cannot be read: {error.strerror or error}.", code="unreadable_file") from error

    @property
    def bytes_read(self) -> int:
        """How many bytes of the file have been read; of a pipe, which has no size either, none."""
        if self._file.closed:
            return self.size
        return self._file.tell() if self._file.seekable() else 0

    def __iter__(self) -> Iterator[Record]:
        count = 0
        with closing(self._file):
            try:
                for count, text in enumerate(_Cutter(self._chunks()).records(), start=1):
                    yield Record(count - 1, text)
            except BrokenFile as error:
                raise BrokenFile(
                    f"{self.path.name}: {error.message}. {count} records before that place were whole.",
                    next_step="Get the file once more and import it again; what is there already stays.",
                ) from error

    def _chunks(self) -> Iterator[str]:
        """The text in pieces. A byte that is not UTF-8 stays as a lone surrogate, for its record to be refused."""
        decoder = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape")
        gzipped = self._file.peek(2)[:2] == _GZIP_MAGIC
        stream = GzipFile(fileobj=self._file) if gzipped else self._file
        try:
            while chunk := stream.read1(_CHUNK):
                yield decoder.decode(chunk)
            yield decoder.decode(b"", final=True)
        except (EOFError, BadGzipFile, zlib.error) as error:
            raise BrokenFile(f"the compressed data is broken or cut off after {self.bytes_read} bytes") from error
        except OSError as error:
            raise BrokenFile(f"reading failed after {self.bytes_read} bytes: {error.strerror or error}") from error


class _Cutter:
    """Cuts a stream of JSON text into the texts of its records; keeps no more of it than one record and one chunk."""

    def __init__(self, chunks: Iterator[str]) -> None:
        self._chunks = chunks
        self._text = ""
        self._place = 0

    def records(self) -> Iterator[str]:
        """The text of each record, in order; raises BrokenFile at the end where that is not a good one."""
        match self._next(_SPACE):
            case "[":
                self._place += 1
                yield from self._list()
                if self._next(_SPACE):
                    raise BrokenFile("there is more text after the end of the list")
            case "{":
                yield from self._objects()
            case "":
                raise BrokenFile("the file is empty")
            case _:
                raise BrokenFile("this is no JSON list of sites")

    def _list(self) -> Iterator[str]:
        """The values of a list, from after its opening bracket to after its closing one."""
        while (character := self._next(_BETWEEN_VALUES)) != "]":
            if character == "":
                raise BrokenFile("the file ends inside the list")
            yield self._bracketed() if character in "{[" else self._scalar()
        self._place += 1

    def _objects(self) -> Iterator[str]:
        """An envelope's list; or objects one after the other, one a line where the first is on one line."""
        first = self._bracketed(stop_at_data=True)
        if _MEMBER_DATA.search(first):
            self._place += 1
            yield from self._list()
            self._pass_over_the_rest()
            return
        yield first
        a_line_each = "\n" not in first
        while self._next(_SPACE):
            yield self._line() if a_line_each else self._bracketed()

    def _bracketed(self, *, stop_at_data: bool = False) -> str:
        """The object or list that begins here; with `stop_at_data`, only up to the list of its member `data`."""
        depth, at = 0, self._place
        while True:
            for token in _STRING_OR_BRACKET.finditer(self._text, at):
                if token[0] == '"':  # of a string whose end is yet to come
                    break
                at = token.end()
                if token[0] in "{[":
                    if stop_at_data and depth == 1 and token[0] == "[" and self._names_data(token.start()):
                        return self._take(token.start())
                    depth += 1
                elif token[0] in "}]":
                    depth -= 1
                    if depth <= 0:
                        return self._take(at)
            self._need("the file ends inside a record")

    def _names_data(self, end: int) -> bool:
        return _MEMBER_DATA.search(self._text, self._place, end) is not None

    def _line(self) -> str:
        while (end := self._text.find("\n", self._place)) < 0:
            if not self._fill():
                end = len(self._text)
                break
        return self._take(end).strip()

    def _scalar(self) -> str:
        while True:
            value = _SCALAR.match(self._text, self._place)
            if value is not None and value.end() < len(self._text):
                return self._take(value.end())
            self._need("the file ends inside the list")

    def _next(self, passed_over: re.Pattern[str]) -> str:
        """The next character after what is passed over, itself not taken; empty at the end. Forgets what was taken."""
        if self._place >= _CHUNK:
            self._text, self._place = self._text[self._place :], 0
        while True:
            match = passed_over.match(self._text, self._place)
            self._place = match.end() if match else self._place
            if self._place < len(self._text):
                return self._text[self._place]
            if not self._fill():
                return ""

    def _take(self, end: int) -> str:
        taken = self._text[self._place : end]
        self._place = end
        return taken

    def _need(self, otherwise: str) -> None:
        if len(self._text) - self._place > LARGEST_RECORD:
            raise BrokenFile(f"a record is longer than {LARGEST_RECORD} characters")
        if not self._fill():
            raise BrokenFile(otherwise)

    def _fill(self) -> bool:
        """Read one chunk more; False at the end."""
        chunk = next(self._chunks, "")
        self._text += chunk
        return bool(chunk)

    def _pass_over_the_rest(self) -> None:
        """To the end, as only there a compressed file shows that it is whole."""
        for _ in self._chunks:
            pass
