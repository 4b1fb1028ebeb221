"""Random scenarios, run in lockstep on two kernels, and the shortest one that tells them apart."""
