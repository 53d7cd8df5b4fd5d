"""Every driven port in memory: the simulation, the tests and the embedded mode use it."""
