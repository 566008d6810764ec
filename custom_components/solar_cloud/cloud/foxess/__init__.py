"""FoxESS Open API (V1.1.3 of 2025-06-03, and what was added to it until V1.1.18)."""
