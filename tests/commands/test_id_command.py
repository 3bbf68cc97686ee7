"""`evroam id`, and what all subcommands share."""

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

import app.commands
from app.commands import COMMANDS
from app.commands import app as evroam
from core.errors import NotFound

runner = CliRunner()


def identify(text: str) -> dict[str, object]:
    result = runner.invoke(evroam, ["id", "--json", "--", text])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_an_evse_id_is_named_and_printed() -> None:
    answer = identify("deab7e8406487")
    assert {name: answer[name] for name in ("kind", "canonical", "valid", "reason")} == {
        "kind": "evse_id",
        "canonical": "DE*AB7*E8406487",
        "valid": True,
        "reason": None,
    }
    assert answer["party"] == "DE*AB7"


def test_all_readings_are_listed() -> None:
    readings = identify("DE8AAE12345678")["readings"]
    assert isinstance(readings, list)
    assert [(reading["kind"], reading["canonical"]) for reading in readings] == [
        ("evse_id", "DE*8AA*E12345678"),
        ("contract_id", "DE-8AA-E12345678"),
        ("rfid_uid", "DE8AAE12345678"),
    ]


def test_a_wrong_check_character_is_named() -> None:
    answer = identify("NL-TNM-000122045-X")
    assert (answer["kind"], answer["valid"], answer["code"]) == ("contract_id", False, "invalid_check_character")
    assert answer["expected_check"] == "U"


def test_a_din_contract_is_mapped_to_iso() -> None:
    assert identify("NL-TNM-012204-5")["iso"] == "NL-TNM-C00122045-K"


@pytest.mark.parametrize("text", ["", "NL*TNM*840*6487", "\x1b[31mDE*ABC*E1"])
def test_what_is_no_identifier_is_said_so(text: str) -> None:
    answer = identify(text)
    assert (answer["kind"], answer["canonical"], answer["valid"], answer["readings"]) == (None, None, False, [])
    assert answer["reason"]


def test_the_answer_for_a_person_names_other_readings() -> None:
    lines = runner.invoke(evroam, ["id", "DEABCE12"]).stdout.splitlines()
    assert lines == ["EVSE id DE*ABC*E12, valid", "can also be: card UID DEABCE12, valid"]


def test_an_error_becomes_a_sentence_a_next_step_and_exit_code_2(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise NotFound("no site \x1b[31mhere", next_step="Import one.")

    monkeypatch.setattr(app.commands, "fail_for_test", fail, raising=False)
    monkeypatch.setitem(COMMANDS, "fail", "app.commands:fail_for_test")
    result = runner.invoke(evroam, ["fail"])
    assert result.exit_code == 2
    assert result.stderr == "no site \\x1b[31mhere\nImport one.\n"
    assert result.stdout == ""


def test_an_unknown_subcommand_is_wrong_usage() -> None:
    assert runner.invoke(evroam, ["no-such-thing"]).exit_code == 2


def test_every_subcommand_of_the_table_loads_and_explains_itself() -> None:
    result = runner.invoke(evroam, ["--help"])
    assert result.exit_code == 0
    for name in COMMANDS:
        assert name in result.stdout
        assert runner.invoke(evroam, [name, "--help"]).exit_code == 0


def test_the_id_command_starts_without_screens_servers_or_stores() -> None:
    program = (
        "import sys; from app.commands import app; app(['id', 'DEAB7E1'], standalone_mode=False);"
        "print([name for name in ('textual', 'sqlalchemy', 'starlette', 'httpx', 'rich') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_python_m_app_is_evroam() -> None:
    done = subprocess.run([sys.executable, "-m", "app", "id", "DEAB7E1"], capture_output=True, text=True, check=True)
    assert done.stdout == "EVSE id DE*AB7*E1, valid\n"
