"""Tests of Solar-Log without Home Assistant."""
