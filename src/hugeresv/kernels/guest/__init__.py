"""Stock kernels in QEMU, answering operations with real system calls: `guest:NAME`.

- `images` finds kernels, `fetch` gets stock ones into the cache; nothing is installed.
- `initramfs` is the archive that a guest starts from, with nothing in it but the agent: process 1 of the guest
  (`agent.c`), and every process of a scenario (`worker.c`), compiled by `agent`.
- `qemu` starts the emulator, which dies with this process; `snapshot` boots a guest once and restores it for every
  scenario, so that each has a fresh kernel; `memory` is the guest's, which can be read from outside. `conversation` is
  how the tool and the agent speak.
- `kernel` and `session` are the two of `protocol`, `process` and `readings` what a session consists of.
"""
