"""What the clearing house's tests share."""

import pytest

from core.endpoint.tls import CertificateAuthority


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    """An authority that all platforms trust."""
    return CertificateAuthority.open(tmp_path_factory.mktemp("authority"))
