"""Concurrent calls: every order in which the model lets them go on, wherever a lock is asked for.

`rules` says which lock protects what, `watch` sees every access to that, `run` carries calls out under a schedule,
`orders` goes through schedules, and `schedule` reads and writes one as a scenario has it.
"""
