"""Simulated days with faults on the injected clock; run by scripts/soak, not by scripts/test."""
