"""OCPI, the wire that operators speak: envelope, tolerant reading, one folder a version."""
