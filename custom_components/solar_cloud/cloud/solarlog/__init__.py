"""Solar-Log: WEB Enerest's User API."""
