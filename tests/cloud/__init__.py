"""Tests of the vendors' clouds and of what they share."""
