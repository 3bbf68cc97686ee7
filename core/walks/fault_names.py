"""The faults that can be injected into a step of a walk, by name, in words for who chooses one."""

FAULTS: dict[str, str] = {
    "silent": "the platform that is spoken to takes every message of the step and never answers",
    "slow": "it answers after a second and a half",
    "5xx": "it answers HTTP 503",
    "refused": "it refuses with OCPI status 2000",
    "answer-lost": "it acts on the message, and HTTP 502 comes back in place of its answer",
    "duplicate": "every message reaches it twice",
    "reordered": "after each message an older one reaches it once more",
    "clearing-house-5xx": "the clearing house answers HTTP 503 (with --via hub)",
    "station-offline": "nothing is heard of the station, and nothing reaches it",
    "station-out-of-order": "the station says that it is out of order and does nothing",
    "station-refuses": "the station rejects a start",
    "cable-not-seen": "the station does not notice a plug",
    "cable-stuck": "the plug cannot be pulled, from plugging in on",
}
"""Name -> what is wrong. A fault of the wire lasts for its step, one of a station until the walk is over."""


def listed() -> str:
    """All of them in one line."""
    return "; ".join(f"{name}: {what}" for name, what in FAULTS.items())
