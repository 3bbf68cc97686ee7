"""Revisions of the schema, one file each, numbered upwards with four digits."""

HEAD = "0014"
"""The newest revision: what `core.store.tables` says."""
