"""Annex A as executable scenarios, and the registry of use cases."""
