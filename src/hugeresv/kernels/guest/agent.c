/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The agent: process 1 of a guest, and every process of a scenario.
 *
 * Process 1 reads requests from the second serial port, one a line, and answers each with one line under the same
 * number. Workers make the system calls; each has a datagram socket in the abstract namespace, named by its number, and
 * so has process 1. Worker 0, the keeper, is there from the start; the others descend from it.
 *
 *	N call W MS NAME ARG...		have worker W make a call		N ok ERRNO VALUE
 *	N fork W MS NEW			have it fork worker NEW			N ok ERRNO PID
 *	N end W MS			kill it, and wait for its end		N ok 0 0
 *	N read PATH...			the first line of each file		N ok 0 TEXT...
 *	N write PATH TEXT		write a file in one call		N ok ERRNO 0
 *	N statfs PATH			blocks, free, available			N ok ERRNO BLOCKS BFREE BAVAIL
 *	N symbols NAME...		kernel symbols, 0 for none		N ok ERRNO ADDRESS...
 *
 * `N hang` says that nothing came within MS milliseconds, `N dead` that the worker has ended. An ARG is a number in
 * decimal, $TEXT, or @PATH: a descriptor of that file, opened for the duration of the call. There are no blanks in any.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#define MOST_WORKERS 4096
#define MOST_WORDS 64
#define LINE_BYTES 32768
#define PROCESS_1 (-1)

static char line[LINE_BYTES];
static char reply[LINE_BYTES];

/* Sockets: a worker's address is its number. */

static socklen_t address_of(int worker, struct sockaddr_un *address)
{
	memset(address, 0, sizeof *address);
	address->sun_family = AF_UNIX;
	int length = snprintf(address->sun_path + 1, sizeof address->sun_path - 1, "worker %d", worker);
	return offsetof(struct sockaddr_un, sun_path) + 1 + length;
}

static int socket_of(int worker)
{
	struct sockaddr_un address;
	socklen_t length = address_of(worker, &address);
	int end = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (end < 0 || bind(end, (struct sockaddr *)&address, length))
		_exit(1);
	return end;
}

static void send_to(int end, int worker, const char *text)
{
	struct sockaddr_un address;
	socklen_t length = address_of(worker, &address);

	sendto(end, text, strlen(text), 0, (struct sockaddr *)&address, length);
}

static ssize_t receive(int end, char *into)
{
	ssize_t length = recv(end, into, LINE_BYTES - 1, 0);

	into[length < 0 ? 0 : length] = 0;
	return length;
}

static int split(char *text, char **words)
{
	int count = 0;

	for (char *word = strtok(text, " \n"); word && count < MOST_WORDS; word = strtok(NULL, " \n"))
		words[count++] = word;
	return count;
}

static int write_file(const char *path, const char *text)
{
	int file = open(path, O_WRONLY | O_CLOEXEC), error = 0;

	if (file < 0)
		return errno;
	if (write(file, text, strlen(text)) < 0)
		error = errno;
	close(file);
	return error;
}

/* Touches: SIGBUS and SIGSEGV are answers. */

static sigjmp_buf before_touch;
static volatile sig_atomic_t touching;

static void on_fault(int signal)
{
	if (!touching)
		_exit(1);
	siglongjmp(before_touch, signal);
}

static int touch(uintptr_t address, int write)
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

/*
 * What a worker sees of a range of its own memory: holes from maps, pages of private mappings from pagemap (bit 63). A
 * page of a shared mapping is there when it is in the page cache: the file is mapped a second time and registered with
 * userfaultfd, so that a touch there that would need a new page raises SIGBUS before anything is allocated
 * (mm/hugetlb.c, hugetlb_no_page).
 */

static struct {
	char state;
	unsigned long pages;
	char *end;
} run;

static void flush_run(void)
{
	if (run.pages && run.end < reply + LINE_BYTES - 64)
		run.end += sprintf(run.end, " %c%lu", run.state, run.pages);
	run.pages = 0;
}

static void see(char state, unsigned long pages)
{
	if (run.state != state)
		flush_run();
	run.state = state;
	run.pages += pages;
}

static int open_window(unsigned long start, unsigned long end, off_t offset, size_t length, char **window)
{
	char path[80];
	struct uffdio_api api = { .api = UFFD_API, .features = UFFD_FEATURE_SIGBUS };

	sprintf(path, "/proc/self/map_files/%lx-%lx", start, end);
	int file = open(path, O_RDWR | O_CLOEXEC);
	int watch = syscall(SYS_userfaultfd, O_CLOEXEC);
	*window = mmap(NULL, length, PROT_READ, MAP_SHARED | MAP_NORESERVE, file, offset);
	close(file);
	struct uffdio_register range = {
		.range = { (uintptr_t)*window, length }, .mode = UFFDIO_REGISTER_MODE_MISSING
	};
	if (*window == MAP_FAILED || ioctl(watch, UFFDIO_API, &api) || ioctl(watch, UFFDIO_REGISTER, &range)) {
		int error = errno;

		close(watch);
		errno = error;
		return -1;
	}
	return watch;
}

static int see_shared(unsigned long area, unsigned long area_end, off_t offset, unsigned long from, unsigned long pages,
		      unsigned long page_bytes)
{
	char *window;
	int watch = open_window(area, area_end, offset + (from - area), pages * page_bytes, &window);

	if (watch < 0)
		return errno;
	for (unsigned long page = 0; page < pages; page++)
		see(touch((uintptr_t)window + page * page_bytes, 0) ? 'A' : 'P', 1);
	munmap(window, pages * page_bytes);
	close(watch);
	return 0;
}

static int see_private(unsigned long from, unsigned long pages, unsigned long page_bytes)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	for (unsigned long page = 0; page < pages; page++) {
		uint64_t entry = 0;

		if (pread(pagemap, &entry, sizeof entry, (from + page * page_bytes) / 4096 * sizeof entry) < 0)
			return errno;
		see(entry >> 63 ? 'P' : 'A', 1);
	}
	close(pagemap);
	return 0;
}

static int observe(unsigned long start, unsigned long pages, unsigned long page_bytes)
{
	unsigned long end = start + pages * page_bytes, area, area_end, inode, seen = start;
	long long offset;
	char sharing;
	int error = 0;
	FILE *maps = fopen("/proc/self/maps", "re");

	run.end = reply + sprintf(reply, "ok 0");
	while (!error && fgets(line, sizeof line, maps)) {
		sscanf(line, "%lx-%lx %*3c%c %llx %*s %lu", &area, &area_end, &sharing, &offset, &inode);
		unsigned long from = area > start ? area : start, to = area_end < end ? area_end : end;

		from = start + (from - start + page_bytes - 1) / page_bytes * page_bytes;
		if (from >= to)
			continue;
		unsigned long there = (to - from + page_bytes - 1) / page_bytes;

		see('H', (from - seen) / page_bytes);
		error = sharing == 's' && inode ? see_shared(area, area_end, offset, from, there, page_bytes)
						: see_private(from, there, page_bytes);
		seen = from + there * page_bytes;
	}
	fclose(maps);
	see('H', (end - seen) / page_bytes);
	flush_run();
	return error;
}

/* Calls of a worker. */

static const struct {
	const char *name;
	long number;
} calls[] = {
	{ "mmap", SYS_mmap }, { "munmap", SYS_munmap }, { "mprotect", SYS_mprotect }, { "madvise", SYS_madvise },
	{ "mlock", SYS_mlock }, { "munlock", SYS_munlock }, { "mremap", SYS_mremap }, { "ftruncate", SYS_ftruncate },
	{ "fallocate", SYS_fallocate }, { "fadvise", SYS_fadvise64 }, { "readahead", SYS_readahead },
	{ "shmget", SYS_shmget }, { "shmat", SYS_shmat }, { "shmdt", SYS_shmdt }, { "shmctl", SYS_shmctl },
	{ "open", SYS_open }, { "memfd_create", SYS_memfd_create }, { "close", SYS_close }, { "mkdir", SYS_mkdir },
	{ "rmdir", SYS_rmdir }, { "mount", SYS_mount }, { "umount", SYS_umount2 },
};

static long system_call(const char *name, const long *arguments)
{
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
		if (!strcmp(calls[i].name, name))
			return syscall(calls[i].number, arguments[0], arguments[1], arguments[2], arguments[3],
				       arguments[4], arguments[5]);
	errno = ENOSYS;
	return -1;
}

static void make_call(char **words, int count)
{
	long arguments[6] = { 0 }, value = 0;
	int file = -1, error = 0;

	for (int i = 1; i < count && i <= 6; i++) {
		if (*words[i] == '@')
			arguments[i - 1] = file = open(words[i] + 1, O_RDWR | O_CLOEXEC);
		else
			arguments[i - 1] = *words[i] == '$' ? (long)(words[i] + 1) : strtol(words[i], NULL, 10);
		if (*words[i] == '@' && file < 0) {
			sprintf(reply, "ok %d 0", errno);
			return;
		}
	}
	if (!strcmp(words[0], "observe")) {
		error = observe(arguments[0], arguments[1], arguments[2]);
		if (!error)
			return;
	} else if (!strcmp(words[0], "touch")) {
		value = touch(arguments[0], arguments[1]);
	} else if (!strcmp(words[0], "write")) {
		error = write_file((char *)arguments[0], (char *)arguments[1]);
	} else {
		value = system_call(words[0], arguments);
		error = value == -1 ? errno : 0;
	}
	if (file >= 0)
		close(file);
	sprintf(reply, "ok %d %ld", error, value);
}

/* A worker: it makes the calls that it is told, until it is killed. */

static void serve(int worker)
{
	char *words[MOST_WORDS];
	int end = socket_of(worker);

	send_to(end, PROCESS_1, "hello");
	for (;;) {
		if (receive(end, line) <= 0)
			_exit(1);
		int count = split(line, words);

		if (strcmp(words[0], "fork")) {
			make_call(words, count);
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

/* Process 1. */

static int to_workers;
static int pidfds[MOST_WORKERS];

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
static const char *fork_worker(int worker, int milliseconds, int new)
{
	static char kept[64];
	int error, pid;

	if (new >= MOST_WORKERS) {
		sprintf(reply, "ok %d 0", EAGAIN);
		return reply;
	}
	sprintf(reply, "fork %d", new);
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

	sprintf(reply, "ok %d %ld %ld %ld", error, (long)status.f_blocks, (long)status.f_bfree, (long)status.f_bavail);
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

static const char *carry_out(char **words, int count)
{
	static char request[LINE_BYTES];

	if (!strcmp(words[0], "read"))
		return read_files(words + 1, count - 1);
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
		return fork_worker(worker, milliseconds, atoi(words[3]));
	char *end = request;

	for (int i = 3; i < count; i++)
		end += sprintf(end, "%s ", words[i]);
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
	struct sigaction fault = { .sa_handler = on_fault };
	static const char *const directories[] = { "/dev", "/proc", "/sys" };

	for (size_t i = 0; i < sizeof directories / sizeof *directories; i++)
		mkdir(directories[i], 0755);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, NULL);
	write_file("/sys/fs/cgroup/cgroup.subtree_control", "+hugetlb");
	signal(SIGCHLD, SIG_IGN);
	sigaction(SIGBUS, &fault, NULL);
	sigaction(SIGSEGV, &fault, NULL);
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
