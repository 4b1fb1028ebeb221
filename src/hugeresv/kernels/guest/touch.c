/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Touches: SIGBUS and SIGSEGV are answers. */
#include "agent.h"

#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static sigjmp_buf before_touch;
static volatile sig_atomic_t touching;

static void on_fault(int signal)
{
	if (!touching)
		_exit(1);
	siglongjmp(before_touch, signal);
}

int touch(uintptr_t address, int write)
{
	int signal = sigsetjmp(before_touch, 1);

	if (!signal) {
		touching = 1;
		if (write)
			*(volatile char *)address = 1;
		else
			(void)*(volatile char *)address;
	}
	touching = 0;
	return signal;
}

void survive_faults(void)
{
	struct sigaction fault = { .sa_handler = on_fault };

	sigaction(SIGBUS, &fault, NULL);
	sigaction(SIGSEGV, &fault, NULL);
}
