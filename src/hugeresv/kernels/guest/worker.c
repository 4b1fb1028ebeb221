/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A worker: the calls that it makes. Each goes through the C library, which knows how the machine's kernel wants sizes and
 * offsets of 64 bits; the rest of the numbers are words of the machine.
 */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

typedef const uint64_t *Arguments;

static void *pointer(uint64_t word)
{
	return (void *)(uintptr_t)word;
}

static long call_mmap(Arguments a)
{
	return (long)mmap(pointer(a[0]), a[1], a[2], a[3], a[4], a[5]);
}

static long call_munmap(Arguments a)
{
	return munmap(pointer(a[0]), a[1]);
}

static long call_mprotect(Arguments a)
{
	return mprotect(pointer(a[0]), a[1], a[2]);
}

static long call_madvise(Arguments a)
{
	return madvise(pointer(a[0]), a[1], a[2]);
}

static long call_mlock(Arguments a)
{
	return mlock(pointer(a[0]), a[1]);
}

static long call_munlock(Arguments a)
{
	return munlock(pointer(a[0]), a[1]);
}

static long call_mremap(Arguments a)
{
	return (long)mremap(pointer(a[0]), a[1], a[2], a[3], pointer(a[4]));
}

static long call_ftruncate(Arguments a)
{
	return ftruncate(a[0], a[1]);
}

static long call_fallocate(Arguments a)
{
	return fallocate(a[0], a[1], a[2], a[3]);
}

static long call_fadvise(Arguments a)
{
	errno = posix_fadvise(a[0], a[1], a[2], a[3]);
	return errno ? -1 : 0;
}

static long call_readahead(Arguments a)
{
	return readahead(a[0], a[1], a[2]);
}

static long call_shmget(Arguments a)
{
	return shmget(a[0], a[1], a[2]);
}

static long call_shmat(Arguments a)
{
	return (long)shmat(a[0], pointer(a[1]), a[2]);
}

static long call_shmdt(Arguments a)
{
	return shmdt(pointer(a[0]));
}

static long call_shmctl(Arguments a)
{
	return shmctl(a[0], a[1], pointer(a[2]));
}

static long call_open(Arguments a)
{
	return open(pointer(a[0]), a[1], a[2]);
}

static long call_memfd_create(Arguments a)
{
	return memfd_create(pointer(a[0]), a[1]);
}

static long call_close(Arguments a)
{
	return close(a[0]);
}

static long call_mkdir(Arguments a)
{
	return mkdir(pointer(a[0]), a[1]);
}

static long call_rmdir(Arguments a)
{
	return rmdir(pointer(a[0]));
}

static long call_mount(Arguments a)
{
	return mount(pointer(a[0]), pointer(a[1]), pointer(a[2]), a[3], pointer(a[4]));
}

static long call_umount(Arguments a)
{
	return umount2(pointer(a[0]), a[1]);
}

static long call_touch(Arguments a)
{
	return touch(a[0], a[1]);
}

static long call_write(Arguments a)
{
	errno = write_file(pointer(a[0]), pointer(a[1]));
	return errno ? -1 : 0;
}

/* `offsets` has a bit for each argument that has 64 bits on every machine. */
static const struct call {
	const char *name;
	long (*make)(Arguments);
	unsigned int offsets;
} calls[] = {
	{ "mmap", call_mmap, 1 << 5 },
	{ "munmap", call_munmap, 0 },
	{ "mprotect", call_mprotect, 0 },
	{ "madvise", call_madvise, 0 },
	{ "mlock", call_mlock, 0 },
	{ "munlock", call_munlock, 0 },
	{ "mremap", call_mremap, 0 },
	{ "ftruncate", call_ftruncate, 1 << 1 },
	{ "fallocate", call_fallocate, 1 << 2 | 1 << 3 },
	{ "fadvise", call_fadvise, 1 << 1 | 1 << 2 },
	{ "readahead", call_readahead, 1 << 1 },
	{ "shmget", call_shmget, 0 },
	{ "shmat", call_shmat, 0 },
	{ "shmdt", call_shmdt, 0 },
	{ "shmctl", call_shmctl, 0 },
	{ "open", call_open, 0 },
	{ "memfd_create", call_memfd_create, 0 },
	{ "close", call_close, 0 },
	{ "mkdir", call_mkdir, 0 },
	{ "rmdir", call_rmdir, 0 },
	{ "mount", call_mount, 0 },
	{ "umount", call_umount, 0 },
	{ "touch", call_touch, 0 },
	{ "write", call_write, 0 },
};

#define MOST_ARGUMENTS 6

static int fits_word(uint64_t value)
{
	return value == (uint64_t)(uintptr_t)value || value == (uint64_t)(int64_t)(intptr_t)value;
}

/* Reads the arguments of a call. A descriptor is opened for the one that is a file: an errno if it cannot be. */
static int read_arguments(char **words, int count, uint64_t *arguments, int *file)
{
	for (int i = 0; i < count && i < MOST_ARGUMENTS; i++) {
		if (*words[i] == '$') {
			arguments[i] = (uintptr_t)(words[i] + 1);
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

static void make_call(const char *name, Arguments arguments)
{
	const struct call *call = calls;

	while (strcmp(call->name, name))
		call++;
	for (int i = 0; i < MOST_ARGUMENTS; i++)
		if (!(call->offsets & 1U << i) && !fits_word(arguments[i])) {
			strcpy(reply, "wide");
			return;
		}
	long value = call->make(arguments);

	sprintf(reply, "ok %d %ju", value == -1 ? errno : 0, (uintmax_t)(uintptr_t)value);
}

static void answer(char **words, int count)
{
	uint64_t arguments[MOST_ARGUMENTS] = { 0 };
	int file = -1, error = read_arguments(words + 1, count - 1, arguments, &file);

	if (!error && !strcmp(words[0], "observe")) {
		error = observe(arguments[0], arguments[1], arguments[2]);
		if (error)
			sprintf(reply, "ok %d 0", error);
		return;
	}
	if (error)
		sprintf(reply, "ok %d 0", error);
	else
		make_call(words[0], arguments);
	if (file >= 0)
		close(file);
}

void serve(int worker)
{
	char *words[MOST_WORDS];
	int end = socket_of(worker);

	send_to(end, PROCESS_1, "hello");
	for (;;) {
		if (receive(end, line) <= 0)
			_exit(1);
		int count = split(line, words);

		if (strcmp(words[0], "fork")) {
			answer(words, count);
			send_to(end, PROCESS_1, reply);
			continue;
		}
		pid_t child = fork();

		if (child == 0) {
			close_range(3, ~0U, 0);
			worker = atoi(words[1]);
			end = socket_of(worker);
			send_to(end, PROCESS_1, "hello");
			continue;
		}
		sprintf(reply, "ok %d %d", child < 0 ? errno : 0, child);
		send_to(end, PROCESS_1, reply);
	}
}
