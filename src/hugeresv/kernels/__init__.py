"""What answers operations: a behaviour of the model, the host, a guest; and how a kernel is named.

`protocol` says what a kernel and a session are, `grammar` how a kernel is named, `catalogue` which switches behaviours
have. `named_session` makes calls of operations for every kernel. Host and guests share `process_session`, the `keeper`
of what belongs to no process, `syscalls`, and `system_outcome`, which names what a real call returned.
"""
