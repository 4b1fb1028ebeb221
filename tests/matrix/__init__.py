"""The model beside real kernels: every scenario on both, each step audited in the kernel's memory."""
