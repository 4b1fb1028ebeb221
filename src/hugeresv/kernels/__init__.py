"""Kernels: whatever answers operations, be it a behaviour of the model or a real one."""
