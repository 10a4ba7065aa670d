"""Student kernels: the sandbox that holds them, their limits, and driving them cell by cell."""
