"""The demo: a real Home Assistant runs Solar Cloud against the simulator."""
