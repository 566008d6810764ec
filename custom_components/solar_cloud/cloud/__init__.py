"""The clouds of the vendors: typed, asynchronous, and free of Home Assistant."""
