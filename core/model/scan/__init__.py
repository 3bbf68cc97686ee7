"""Judging a scanned code: a payload in, trusted or refused and why out. A code is parsed, never opened or followed.

Pure: the trusted hosts are data, the catalogue and the moment are arguments.
"""

from core.model.scan.judge import MAX_PAYLOAD, scan
from core.model.scan.one_time_password import PasswordCheck, one_time_password
from core.model.scan.trust import OneTimePassword, OperatorTemplate, TrustedHost, TrustedHosts
from core.model.scan.verdict import Catalogue, EveryEvse, RefusalCode, ScannedHost, Verdict, refuse

__all__ = [
    "MAX_PAYLOAD",
    "Catalogue",
    "EveryEvse",
    "OneTimePassword",
    "OperatorTemplate",
    "PasswordCheck",
    "RefusalCode",
    "ScannedHost",
    "TrustedHost",
    "TrustedHosts",
    "Verdict",
    "one_time_password",
    "refuse",
    "scan",
]
