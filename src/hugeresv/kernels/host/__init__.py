"""The kernel of this machine, answering calls with real system calls.

Three kinds of process take part:

- The tool reads the counters: `kernel`, `session`, `readings`; its handles on the others are `claim` and `process`.
- The guardian holds the lock, and puts pools, cgroups and mounts back whatever became of the tool: `guardian`,
  `world`, `lock`, `pool`, `cgroups`, `heal`.
- Workers are the processes of a scenario; they make the calls that they are told, and survive SIGBUS: `worker`,
  `touch`, `observe`. The first one, the keeper, is process 1 of a PID namespace and keeps files, segments and mounts,
  which belong to no process of the scenario. Every other worker descends from it, and dies with it.

`wire` is what they speak with each other. `HostKernel` in `kernel` is the way in; this file imports nothing, because
the guardian must start quickly.
"""
