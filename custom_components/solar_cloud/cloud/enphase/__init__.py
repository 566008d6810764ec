"""Enphase: the Enlighten Systems API, versions 2 and 4."""
