"""OCPI 2.3.0: one file a module with what this version has of its own; `core.endpoint.ocpi` has what all share."""
