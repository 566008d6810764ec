"""Tests of Solar Cloud."""
