"""The kernel of this machine, answering operations with real system calls.

Three kinds of process take part, and each is a file or two here:

| process | what it does | where |
| --- | --- | --- |
| the tool | names, addresses, which call an operation is; reads the counters | `kernel`, `session`, `names`, `calls`, `keeper` |
| the guardian | holds the lock; puts pools, cgroups and mounts back, whatever became of the tool | `guardian`, `world`, `lock`, `pool`, `heal` |
| workers | the processes of a scenario: make the calls they are told, survive SIGBUS | `worker`, `syscalls`, `touch`, `observe` |

The first worker of a world, the keeper, is process 1 of a PID namespace: files, mounts and segments are its own, every other
worker descends from it, and when it dies the kernel kills them all. `HostKernel` in `kernel` is the way in; this file
imports nothing, because the guardian must start quickly.
"""
