"""Tests of the Enphase client."""
