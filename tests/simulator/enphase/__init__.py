"""The Enlighten Systems API: versions 2 and 4 of Enphase's cloud."""
