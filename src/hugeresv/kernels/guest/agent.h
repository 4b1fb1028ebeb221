/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the agent share. */
#ifndef HUGERESV_AGENT_H
#define HUGERESV_AGENT_H

#define _GNU_SOURCE
#include <stdint.h>
#include <sys/types.h>

#define MOST_WORDS 64
#define LINE_BYTES 32768
#define PROCESS_1 (-1)

/* agent.c: the request that is being answered, and the answer. */
extern char line[LINE_BYTES];
extern char reply[LINE_BYTES];

int socket_of(int worker);
void send_to(int end, int worker, const char *text);
ssize_t receive(int end, char *into);
int split(char *text, char **words);
int write_file(const char *path, const char *text);

/* meet.c: workers that start their calls at once, and allocations that fail. */
void prepare_meeting(void);
void expect(int workers);
void meet(unsigned long turns);
void fail_allocation(const char *number);
int failed(void);

/* touch.c: one access to memory; the signal that it raised, 0 for none. */
void survive_faults(void);
int touch(uintptr_t address, int write);

/* observe.c: writes a worker's view of its memory into `reply`, unless it answers an errno. */
int observe(uintptr_t start, unsigned long pages, unsigned long page_bytes);

/* worker.c: makes the calls that it is told, until it is killed. */
void serve(int worker);

#endif
