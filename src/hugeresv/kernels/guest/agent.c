/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The agent: process 1 of a guest, and every process of a scenario.
 *
 * Process 1 reads requests from the second serial port, one a line, and answers each with one line under the same
 * number. Workers make the system calls; each has a datagram socket in the abstract namespace, named by its number, and
 * so has process 1. Worker 0, the keeper, is there from the start; the others descend from it.
 *
 *	N call W MS NUMBER ARG...	have worker W make a system call	N ok ERRNO VALUE
 *	N call W MS touch ADDRESS WRITE	have it read or write a byte		N ok 0 SIGNAL
 *	N call W MS observe START PAGES PAGE_BYTES				N ok ERRNO RUN...
 *	N queue W MS TURNS NUMBER ARG...	a call that it is to make at once with others, after that many turns of a loop
 *									N ok 0 0
 *	N meet W MS W...		have workers make the calls they have	N ok ERRNO VALUE ERRNO VALUE...
 *	N fork W MS NEW			have it fork worker NEW			N ok ERRNO PID
 *	N end W MS			kill it, and wait for its end		N ok 0 0
 *	N read PATH...			the first line of each file		N ok 0 TEXT...
 *	N read				the files that were read last		N ok 0 TEXT...
 *	N write PATH TEXT		write a file in one call		N ok ERRNO 0
 *	N statfs PATH			blocks, free, available			N ok ERRNO BLOCKS BFREE BAVAIL
 *	N symbols NAME...		kernel symbols, 0 for none		N ok ERRNO ADDRESS...
 *
 * An ARG is a number in decimal, $TEXT, #BYTES in hexadecimal, *BYTES that are told behind the value as the call leaves
 * them, or @PATH: a descriptor of that file, opened for the duration of the call. There are no blanks in any.
 *
 * Before NUMBER, and behind NEW, `fails N` makes the call's N-th allocation fail where the kernel has fault injection (behind
 * NEW it is N alone); the answer has then 1 behind the value where there were so many, else 0.
 *
 * `N hang` says that nothing came within MS milliseconds, `N dead` that the worker has ended.
 */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#define MOST_WORKERS 4096

char line[LINE_BYTES];
char reply[LINE_BYTES];

/* Sockets: a worker's address is its number. */

static socklen_t address_of(int worker, struct sockaddr_un *address)
{
	memset(address, 0, sizeof *address);
	address->sun_family = AF_UNIX;
	int length = snprintf(address->sun_path + 1, sizeof address->sun_path - 1, "worker %d", worker);
	return offsetof(struct sockaddr_un, sun_path) + 1 + length;
}

int socket_of(int worker)
{
	struct sockaddr_un address;
	socklen_t length = address_of(worker, &address);
	int end = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (end < 0 || bind(end, (struct sockaddr *)&address, length))
		_exit(1);
	return end;
}

void send_to(int end, int worker, const char *text)
{
	struct sockaddr_un address;
	socklen_t length = address_of(worker, &address);

	sendto(end, text, strlen(text), 0, (struct sockaddr *)&address, length);
}

ssize_t receive(int end, char *into)
{
	ssize_t length = recv(end, into, LINE_BYTES - 1, 0);

	into[length < 0 ? 0 : length] = 0;
	return length;
}

int split(char *text, char **words)
{
	int count = 0;

	for (char *word = strtok(text, " \n"); word && count < MOST_WORDS; word = strtok(NULL, " \n"))
		words[count++] = word;
	return count;
}

int write_file(const char *path, const char *text)
{
	int file = open(path, O_WRONLY | O_CLOEXEC), error = 0;

	if (file < 0)
		return errno;
	if (write(file, text, strlen(text)) < 0)
		error = errno;
	close(file);
	return error;
}

/* Process 1. */

static int to_workers;
static int pidfds[MOST_WORKERS];
static char *queued[MOST_WORKERS];

/* The next message, or the end of a worker: what there is to answer. */
static const char *await(int worker, int milliseconds)
{
	struct pollfd ready[] = { { to_workers, POLLIN, 0 }, { pidfds[worker], POLLIN, 0 } };

	if (poll(ready, 2, milliseconds) == 0)
		return "hang";
	if (!ready[0].revents)
		return "dead";
	receive(to_workers, reply);
	return reply;
}

/* Each of the workers makes the call that it has in the queue, all at once; their answers in that order. */
static const char *meet_workers(char **numbers, int count, int milliseconds)
{
	int errors[MOST_WORDS], worker;
	uintmax_t values[MOST_WORDS];

	expect(count);
	for (int i = 0; i < count; i++) {
		worker = atoi(numbers[i]);
		send_to(to_workers, worker, queued[worker]);
		free(queued[worker]);
		queued[worker] = NULL;
	}
	for (int came = 0; came < count; came++) {
		int error;
		uintmax_t value;
		const char *answer = await(worker, milliseconds);

		if (sscanf(answer, "%d ok %d %ju", &worker, &error, &value) != 3)
			return answer;
		for (int i = 0; i < count; i++)
			if (atoi(numbers[i]) == worker) {
				errors[i] = error;
				values[i] = value;
			}
	}
	char *end = reply + sprintf(reply, "ok");

	for (int i = 0; i < count; i++)
		end += sprintf(end, " %d %ju", errors[i], values[i]);
	return reply;
}

static const char *end_worker(int worker, int milliseconds)
{
	struct pollfd ready = { pidfds[worker], POLLIN, 0 };

	syscall(SYS_pidfd_send_signal, pidfds[worker], SIGKILL, NULL, 0);
	if (poll(&ready, 1, milliseconds) == 0)
		return "hang";
	close(pidfds[worker]);
	return "ok 0 0";
}

/* The worker that forks and the one that it makes speak in any order. */
static const char *fork_worker(int worker, int milliseconds, int new, const char *fails)
{
	static char kept[64];
	int error, pid;

	if (new >= MOST_WORKERS) {
		sprintf(reply, "ok %d 0", EAGAIN);
		return reply;
	}
	sprintf(reply, "fork %d %s", new, fails);
	send_to(to_workers, worker, reply);
	for (int hello = 0, forked = 0; !forked || !hello;) {
		const char *answer = await(worker, milliseconds);

		if (!strcmp(answer, "hello")) {
			hello = 1;
			continue;
		}
		if (sscanf(answer, "ok %d %d", &error, &pid) != 2)
			return answer;
		snprintf(kept, sizeof kept, "%s", answer);
		if (error)
			return kept;
		forked = 1;
	}
	pidfds[new] = syscall(SYS_pidfd_open, pid, 0);
	return kept;
}

static const char *read_files(char **paths, int count)
{
	char *end = reply + sprintf(reply, "ok 0");

	for (int i = 0; i < count; i++) {
		FILE *file = fopen(paths[i], "re");
		char first[256];

		if (!file || !fgets(first, sizeof first, file)) {
			sprintf(reply, "ok %d %s", file ? EIO : errno, paths[i]);
			if (file)
				fclose(file);
			return reply;
		}
		first[strcspn(first, "\n")] = 0;
		end += sprintf(end, " %s", first);
		fclose(file);
	}
	return reply;
}

static const char *read_statfs(const char *path)
{
	struct statfs status = { 0 };
	int error = statfs(path, &status) ? errno : 0;

	sprintf(reply, "ok %d %jd %jd %jd", error, (intmax_t)status.f_blocks, (intmax_t)status.f_bfree,
		(intmax_t)status.f_bavail);
	return reply;
}

static const char *find_symbols(char **names, int count)
{
	uintmax_t found[MOST_WORDS] = { 0 }, address;
	char symbol[1024], name[512];
	FILE *symbols = fopen("/proc/kallsyms", "re");

	if (!symbols) {
		sprintf(reply, "ok %d", errno);
		return reply;
	}
	while (fgets(symbol, sizeof symbol, symbols))
		if (sscanf(symbol, "%jx %*c %511s", &address, name) == 2)
			for (int i = 0; i < count; i++)
				if (!found[i] && !strcmp(names[i], name))
					found[i] = address;
	fclose(symbols);
	char *end = reply + sprintf(reply, "ok 0");

	for (int i = 0; i < count; i++)
		end += sprintf(end, " %ju", found[i]);
	return reply;
}

/* The serial port is slow, and most requests read the same files: without names, those of the last time. */
static const char *read_again(char **paths, int count)
{
	static char *kept[MOST_WORDS];
	static int keeps;

	if (count) {
		while (keeps)
			free(kept[--keeps]);
		for (; keeps < count; keeps++)
			kept[keeps] = strdup(paths[keeps]);
	}
	return read_files(kept, keeps);
}

static const char *carry_out(char **words, int count)
{
	static char request[LINE_BYTES];

	if (!strcmp(words[0], "read"))
		return read_again(words + 1, count - 1);
	if (!strcmp(words[0], "symbols"))
		return find_symbols(words + 1, count - 1);
	if (!strcmp(words[0], "statfs"))
		return read_statfs(words[1]);
	if (!strcmp(words[0], "write")) {
		sprintf(reply, "ok %d 0", write_file(words[1], words[2]));
		return reply;
	}
	int worker = atoi(words[1]), milliseconds = atoi(words[2]);

	if (!strcmp(words[0], "end"))
		return end_worker(worker, milliseconds);
	if (!strcmp(words[0], "fork"))
		return fork_worker(worker, milliseconds, atoi(words[3]), count > 4 ? words[4] : "");
	if (!strcmp(words[0], "meet"))
		return meet_workers(words + 3, count - 3, milliseconds);
	int queue = !strcmp(words[0], "queue");
	char *end = request + (queue ? sprintf(request, "meet ") : 0);

	for (int i = 3; i < count; i++)
		end += sprintf(end, "%s ", words[i]);
	if (queue) {
		free(queued[worker]);
		queued[worker] = strdup(request);
		return "ok 0 0";
	}
	send_to(to_workers, worker, request);
	return await(worker, milliseconds);
}

static int open_port(void)
{
	struct termios raw;
	int port = open("/dev/ttyS1", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (port < 0 || tcgetattr(port, &raw))
		_exit(1);
	cfmakeraw(&raw);
	raw.c_cflag |= CLOCAL;
	cfsetspeed(&raw, B115200);
	tcsetattr(port, TCSANOW, &raw);
	return port;
}

static void prepare(void)
{
	static const char *const directories[] = { "/dev", "/proc", "/sys" };

	for (size_t i = 0; i < sizeof directories / sizeof *directories; i++)
		mkdir(directories[i], 0755);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, NULL);
	write_file("/sys/fs/cgroup/cgroup.subtree_control", "+hugetlb");
	write_file("/sys/fs/cgroup/cgroup.subtree_control", "+cpuset");
	signal(SIGCHLD, SIG_IGN);
	survive_faults();
	prepare_meeting();
}

int main(void)
{
	char *words[MOST_WORDS];

	prepare();
	to_workers = socket_of(PROCESS_1);
	pid_t keeper = fork();

	if (keeper == 0) {
		close_range(3, ~0U, 0);
		serve(0);
	}
	pidfds[0] = syscall(SYS_pidfd_open, keeper, 0);
	await(0, -1);
	int port = open_port();
	FILE *requests = fdopen(port, "r");

	dprintf(port, "0 ok 0 %d\n", keeper);
	while (fgets(line, sizeof line, requests)) {
		int count = split(line, words);

		dprintf(port, "%s %s\n", words[0], carry_out(words + 1, count - 1));
	}
	return 1;
}
