"""Which call an operation is: what a scenario names becomes numbers here, once, for every kernel.

`names` is the table of everything that is named, `resolve` makes a `Call` (`call`) of an operation, `abi` has Linux's
numbers, and `numbers` those of its system calls. A kernel carries calls out: the model by its transitions, the host and
guests by real system calls.
"""
