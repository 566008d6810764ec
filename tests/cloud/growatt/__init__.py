"""Tests of the Growatt vendor."""
