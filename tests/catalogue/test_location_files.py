"""Files of sites in all their shapes, whole and broken."""

import gzip
import json
from pathlib import Path

import pytest

from core.catalogue import location_files
from core.catalogue.location_files import BrokenFile, LocationFile

SITES = [{"id": "A", "name": 'with "]}" and \\'}, {"id": "B", "price": 1.10, "evses": [{"uid": "1"}, {}]}, {"id": "Ü"}]


def texts(path: Path, content: bytes | str) -> list[str]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return [record.text for record in LocationFile(path)]


def until_broken(path: Path, content: bytes) -> tuple[list[str], str]:
    path.write_bytes(content)
    read = []
    with pytest.raises(BrokenFile) as broken:
        for record in LocationFile(path):
            read.append(record.text)
    return read, broken.value.message


@pytest.fixture(params=[7, 64 * 1024], ids=["small chunks", "large chunks"], autouse=True)
def chunk(request, monkeypatch):
    """Every shape read in pieces that cut strings, escapes and letters apart."""
    monkeypatch.setattr(location_files, "_CHUNK", request.param)


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(SITES),
        json.dumps(SITES, indent=2, ensure_ascii=False),
        "\ufeff" + json.dumps(SITES),
        json.dumps({"status_code": 1000, "data": SITES, "timestamp": "2026-06-01T12:00:00Z"}),
        json.dumps({"links": [{"data": []}], "note": '"data": [', "data": SITES}, indent=1),
        "\n".join(json.dumps(site) for site in SITES),
        "\r\n\r\n".join(json.dumps(site) for site in SITES) + "\n",
        "\n".join(json.dumps(site, indent=2) for site in SITES),
    ],
    ids=["array", "indented", "byte order mark", "envelope", "deceptive envelope", "lines", "blank lines", "objects"],
)
@pytest.mark.parametrize("pack", [str.encode, lambda text: gzip.compress(text.encode())], ids=["plain", "gzip"])
def test_every_shape_gives_the_same_records(tmp_path, content, pack):
    assert [json.loads(text) for text in texts(tmp_path / "file", pack(content))] == SITES


def test_a_record_keeps_its_own_spelling(tmp_path):
    written = '{"id" :\t"A", "price":1.10, "e":1E+2}'
    assert texts(tmp_path / "file", f"[ {written} ,\n{written}]") == [written, written]


def test_what_is_no_object_is_a_record_too(tmp_path):
    assert texts(tmp_path / "file", '[1, "a,]", null ,{"a":[1]},[2],nonsense]') == [
        "1", '"a,]"', "null", '{"a":[1]}', "[2]", "nonsense",
    ]  # fmt: skip


def test_a_bad_line_costs_no_other_line(tmp_path):
    assert texts(tmp_path / "file", '{"a":1}\n{"b":\n{"c":3}\n') == ['{"a":1}', '{"b":', '{"c":3}']


def test_an_empty_list_is_a_good_file(tmp_path):
    assert texts(tmp_path / "file", "[]") == texts(tmp_path / "file", '{"data":[ ]}') == []


@pytest.mark.parametrize(
    ("content", "whole"),
    [
        (b"", 0), (b" \n", 0), (b"sites", 0), (b"[", 0), (b'[{"a":1}', 1), (b'[{"a":1},', 1), (b'[{"a":1},{"b', 1),
        (b'[{"a":1},nul', 1), (b'[{"a":1}]]', 1), (b'[{"a":1}]{', 1), (b'{"data":[{"a":1}', 1), (b'{"a":{}', 0),
        (b"\x1f\x8b\x08junk", 0), (b"\x00\x01", 0),
    ],
)  # fmt: skip
def test_a_broken_file_gives_what_was_whole_and_says_where(tmp_path, content, whole):
    read, message = until_broken(tmp_path / "file", content)
    assert len(read) == whole
    assert f"{whole} records before that place were whole" in message


def test_a_cut_off_gzip_file_gives_what_was_whole(tmp_path):
    content = gzip.compress("\n".join(json.dumps({"id": number, "x": number**7}) for number in range(5000)).encode())
    read, message = until_broken(tmp_path / "file", content[: len(content) // 2])
    assert 1000 < len(read) < 4000
    # the last one may be cut off itself; all others are whole
    assert [json.loads(text)["id"] for text in read] == list(range(len(read)))
    assert "cut off" in message


def test_a_gzip_file_without_its_end_is_broken_even_where_all_records_are_there(tmp_path):
    for content in (json.dumps(SITES), json.dumps({"data": SITES})):
        read, message = until_broken(tmp_path / "file", gzip.compress(content.encode())[:-4])
        assert len(read) == len(SITES)
        assert "cut off" in message


def test_a_record_without_end_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(location_files, "LARGEST_RECORD", 1000)
    read, message = until_broken(tmp_path / "file", b'[{"a":1},{"b":"' + b"x" * 400_000)
    assert len(read) == 1
    assert "longer than" in message


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path / "nothing", tmp_path):
        with pytest.raises(BrokenFile, match="cannot be read"):
            LocationFile(path)
