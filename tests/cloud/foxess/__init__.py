"""FoxESS against the simulated cloud, over real HTTP."""
