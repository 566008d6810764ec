"""Growatt OpenAPI v1 (1.0.1 of 2016-12-20, and what its service has added since)."""
