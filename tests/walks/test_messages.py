"""Two rows of two logs are one message; what names a driver leaves no log."""

from datetime import UTC, datetime

from core.walks.messages import UNKNOWN, LogEntry, paired, without

AT = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


def entry(platform: str, direction: str, peer: str = UNKNOWN, **members: object) -> LogEntry:
    return LogEntry.model_validate(
        {
            "platform": platform, "peer": peer, "sequence": 1, "at": AT, "direction": direction, "method": "PUT",
            "path": "/ocpi/2.2.1/receiver/sessions/DE/KPF/S1", "http_status": 200, "status_code": 1000,
            "request_id": "r1", "correlation_id": "c1", "milliseconds": 3, "request_body": None,
            "response_body": None, **members,
        }
    )  # fmt: skip


def test_both_ends_of_a_request_make_one_message_each_named_by_its_own_log() -> None:
    (one,) = paired([entry("CSO", "out"), entry("CSP", "in")])
    assert (one.sender, one.receiver, one.kind, one.http_status, one.ocpi_status) == (
        "CSO", "CSP", "PUT sessions", 200, 1000,
    )  # fmt: skip


def test_a_message_with_one_end_is_named_as_that_platform_knows_the_other() -> None:
    (sent,) = paired([entry("CSO", "out", peer="CSP", http_status=None, status_code=None)])
    assert (sent.sender, sent.receiver, sent.http_status) == ("CSO", "CSP", None)
    (taken,) = paired([entry("CSP", "in")])
    assert (taken.sender, taken.receiver) == (UNKNOWN, "CSP")


def test_rows_without_an_id_stay_apart() -> None:
    rows = [entry("CSP", "in", request_id=None, sequence=number) for number in (1, 2)]
    assert len(paired(rows)) == 2


def test_the_kind_is_method_and_module() -> None:
    kinds = {"/ocpi/versions": "versions", "/ocpi/2.2.1": "versions", "/ocpi/2.2.1/credentials": "credentials"}
    for path, module in kinds.items():
        (one,) = paired([entry("CSP", "in", path=path)])
        assert one.kind == f"PUT {module}"


def test_secrets_are_replaced_in_paths_and_bodies_longer_ones_first() -> None:
    row = entry("CSP", "in", path="/x/ABC", request_body='{"a": "ABCD", "b": "ABC"}', response_body=None)
    (clean,) = without({"ABC", "ABCD"}, [row])
    assert (clean.path, clean.request_body, clean.response_body) == ("/x/***", '{"a": "***", "b": "***"}', None)
