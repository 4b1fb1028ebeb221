/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls of several workers that start at once, and allocations of a call that fail. */
#include "agent.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

/* How many workers are still to come: all processes share it. */
static volatile int *missing;

/* Allocations that may sleep are failed too. The kernel does not print each of them. */
static const char *const fault_settings[][2] = {
	{ "/sys/kernel/debug/failslab/ignore-gfp-wait", "N" },
	{ "/sys/kernel/debug/failslab/verbose", "0" },
	{ "/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait", "N" },
	{ "/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem", "N" },
	{ "/sys/kernel/debug/fail_page_alloc/min-order", "0" },
	{ "/sys/kernel/debug/fail_page_alloc/verbose", "0" },
};

void prepare_meeting(void)
{
	missing = mmap(NULL, sizeof *missing, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (missing == MAP_FAILED)
		_exit(1);
	if (access("/proc/self/fail-nth", F_OK))
		return;
	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	for (size_t i = 0; i < sizeof fault_settings / sizeof *fault_settings; i++)
		write_file(fault_settings[i][0], fault_settings[i][1]);
}

void expect(int workers)
{
	*missing = workers;
}

/* Returns when all have come, after some turns of a loop: that the same one is not always first. */
void meet(unsigned long turns)
{
	__atomic_sub_fetch(missing, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(missing, __ATOMIC_SEQ_CST) > 0)
		sched_yield();
	for (volatile unsigned long turn = 0; turn < turns; turn++)
		;
}

static int fail_nth = -1;

/* From here on the allocation of that number fails. */
void fail_allocation(const char *number)
{
	fail_nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (fail_nth >= 0)
		pwrite(fail_nth, number, strlen(number), 0);
}

/* Whether one has failed; none does any more. */
int failed(void)
{
	char left[16] = { 0 };

	if (fail_nth < 0)
		return 0;
	pread(fail_nth, left, sizeof left - 1, 0);
	pwrite(fail_nth, "0", 1, 0);
	close(fail_nth);
	fail_nth = -1;
	return atoi(left) == 0;
}
