"""The Growatt OpenAPI v1 cloud."""
