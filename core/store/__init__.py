"""The store of one platform: tables, one writer, append-only events, migrations."""
