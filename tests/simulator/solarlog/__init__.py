"""The simulated Solar-Log cloud: WEB Enerest's User API and its token server."""
