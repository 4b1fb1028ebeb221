"""Lockstep comparison of kernels."""
