/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A worker: any system call that it is told, a touch of its memory, and what it observes of it. */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MOST_ARGUMENTS 6

/* Bytes written as hexadecimal digits, two each, to where these stood. */
static uintptr_t read_bytes(char *word)
{
	unsigned int byte;

	for (int i = 0; sscanf(word + 1 + 2 * i, "%2x", &byte) == 1; i++)
		word[i] = byte;
	return (uintptr_t)word;
}

/* The bytes among the arguments of a call that are to be told afterwards. */
static struct {
	const unsigned char *start;
	size_t length;
} changed;

/* Reads the arguments of a call. A descriptor is opened for the one that is a file: an errno if it cannot be. */
static int read_arguments(char **words, int count, uint64_t *arguments, int *file)
{
	changed.length = 0;
	for (int i = 0; i < count && i < MOST_ARGUMENTS; i++) {
		if (*words[i] == '$') {
			arguments[i] = (uintptr_t)(words[i] + 1);
		} else if (*words[i] == '#' || *words[i] == '*') {
			if (*words[i] == '*') {
				changed.start = (unsigned char *)words[i];
				changed.length = (strlen(words[i]) - 1) / 2;
			}
			arguments[i] = read_bytes(words[i]);
		} else if (*words[i] == '@') {
			*file = open(words[i] + 1, O_RDWR | O_CLOEXEC);
			if (*file < 0)
				return errno;
			arguments[i] = *file;
		} else {
			arguments[i] = strtoull(words[i], NULL, 10);
		}
	}
	return 0;
}

/* Any system call, by its number: what a word means, and how wide it is, the tool knows. */
static void make_call(const char *number, const uint64_t *a, const char *fails)
{
	if (fails)
		fail_allocation(fails);
	long value = syscall(atol(number), (uintptr_t)a[0], (uintptr_t)a[1], (uintptr_t)a[2], (uintptr_t)a[3],
			     (uintptr_t)a[4], (uintptr_t)a[5]);

	int error = value == -1 ? errno : 0;
	char *end = reply + sprintf(reply, "ok %d %ju", error, (uintmax_t)(uintptr_t)value);

	if (fails)
		end += sprintf(end, " %d", failed());

	if (changed.length)
		*end++ = ' ';
	for (size_t i = 0; i < changed.length; i++)
		end += sprintf(end, "%02x", changed.start[i]);
}

static void make_touch(const uint64_t *arguments, const char *fails)
{
	if (fails)
		fail_allocation(fails);
	int signal = touch(arguments[0], arguments[1]);
	char *end = reply + sprintf(reply, "ok 0 %d", signal);

	if (fails)
		sprintf(end, " %d", failed());
}

/* Before a call may stand `fails N`, or `meet TURNS`. */
static void answer(char **words, int count)
{
	uint64_t arguments[MOST_ARGUMENTS] = { 0 };
	const char *fails = NULL, *turns = NULL;

	if (!strcmp(words[0], "fails"))
		fails = words[1];
	else if (!strcmp(words[0], "meet"))
		turns = words[1];
	if (fails || turns) {
		words += 2;
		count -= 2;
	}
	int file = -1, error = read_arguments(words + 1, count - 1, arguments, &file);

	if (turns)
		meet(strtoul(turns, NULL, 10));

	if (!error && !strcmp(words[0], "observe")) {
		error = observe(arguments[0], arguments[1], arguments[2]);
		if (error)
			sprintf(reply, "ok %d 0", error);
		return;
	}
	if (error)
		sprintf(reply, "ok %d 0", error);
	else if (!strcmp(words[0], "touch"))
		make_touch(arguments, fails);
	else
		make_call(words[0], arguments, fails);
	if (file >= 0)
		close(file);
}

void serve(int worker)
{
	char *words[MOST_WORDS];
	int end = socket_of(worker);
	static char numbered[LINE_BYTES + 16];

	send_to(end, PROCESS_1, "hello");
	for (;;) {
		if (receive(end, line) <= 0)
			_exit(1);
		int count = split(line, words);

		if (strcmp(words[0], "fork")) {
			answer(words, count);
			if (!strcmp(words[0], "meet"))
				snprintf(numbered, sizeof numbered, "%d %s", worker, reply);
			send_to(end, PROCESS_1, strcmp(words[0], "meet") ? reply : numbered);
			continue;
		}
		if (count > 2)
			fail_allocation(words[2]);
		pid_t child = fork();
		int error = errno;

		if (child == 0) {
			if (count > 2)
				failed();
			close_range(3, ~0U, 0);
			worker = atoi(words[1]);
			end = socket_of(worker);
			send_to(end, PROCESS_1, "hello");
			continue;
		}
		char *rest = reply + sprintf(reply, "ok %d %d", child < 0 ? error : 0, child);

		if (count > 2)
			sprintf(rest, " %d", failed());
		send_to(end, PROCESS_1, reply);
	}
}
