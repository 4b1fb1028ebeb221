/* Runs the steps above, each in its process, and compares outcome and counters after each with what is expected. */

#define LENGTH(array) (sizeof(array) / sizeof *(array))
#define TIMEOUT_MS 10000
#define END_MS 3000

static int channels[PROCESSES + 1][2];
static pid_t pids[PROCESSES + 1];
static const char *const counter_names[] = { "nr", "free", "resv", "surplus" };

static void fail(const char *what)
{
	fprintf(stderr, "cannot run: %s: %s\n", what, strerror(errno));
	exit(3);
}

static void put(const char *path, long value)
{
	FILE *file = fopen(path, "w");

	if (!file || fprintf(file, "%ld", value) < 0 || fclose(file))
		fail(path);
}

static unsigned long get(const char *path)
{
	unsigned long value;
	FILE *file = fopen(path, "r");

	if (!file || fscanf(file, "%lu", &value) != 1)
		fail(path);
	fclose(file);
	return value;
}

static void read_counters(long *counters)
{
	char path[128];

	for (size_t i = 0; i < LENGTH(counter_names); i++) {
		snprintf(path, sizeof path, POOL "/%s_hugepages", counter_names[i]);
		counters[i] = (long)get(path);
	}
}

static sigjmp_buf before_touch;

static void on_fault(int signal)
{
	siglongjmp(before_touch, signal);
}

long touch(unsigned long address, int write)
{
	int signal = sigsetjmp(before_touch, 1);

	if (signal)
		return -1000 - signal;
	if (write)
		*(volatile char *)address = 1;
	else
		(void)*(volatile char *)address;
	return 0;
}

/* A file is kept open by process 1 of the namespace; what uses it opens it for one step. */
static int opened = -1;

int file(int number)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/1/fd/%d", shared->files[number]);
	opened = open(path, O_RDWR | O_CLOEXEC);
	return opened;
}

struct result {
	int error;
	int signal;
	long value;
};

static struct result result_of(int number)
{
	struct result result = { 0, 0, 0 };

	errno = 0;
	result.value = take(number);
	if (result.value == -1)
		result.error = errno;
	else if (result.value < -1000)
		result.signal = -1000 - (int)result.value;
	if (opened >= 0)
		close(opened);
	opened = -1;
	return result;
}

static void serve(int process)
{
	struct sigaction fault = { .sa_handler = on_fault };
	struct rlimit memlock = { MEMLOCK, MEMLOCK };
	int number;

	sigaction(SIGBUS, &fault, NULL);
	sigaction(SIGSEGV, &fault, NULL);
	signal(SIGCHLD, SIG_IGN);
	setgroups(0, NULL);
	setrlimit(RLIMIT_MEMLOCK, &memlock);
	close_range(channels[PROCESSES][1] + 1, ~0U, 0); /* the files of process 1 */
	while (read(channels[process][1], &number, sizeof number) == sizeof number) {
		struct result result;
		pid_t child = steps[number].child < 0 ? -1 : fork();

		if (child == 0) {
			process = steps[number].child;
			continue;
		}
		if (steps[number].child < 0) {
			result = result_of(number);
		} else {
			result.error = child < 0 ? errno : 0;
			result.signal = 0;
			result.value = child;
		}
		if (write(channels[process][1], &result, sizeof result) != sizeof result)
			break;
	}
	_exit(0);
}

static void end_process(int process)
{
	if (!pids[process])
		return;
	kill(pids[process], SIGKILL);
	while (waitpid(pids[process], NULL, 0) == pids[process] || !kill(pids[process], 0))
		usleep(1000);
	pids[process] = 0;
}

static struct result run_in_process(int number)
{
	const struct step *step = &steps[number];
	struct result result = { 0, 0, 0 };
	struct pollfd ready;

	if (!pids[step->process]) {
		fflush(stdout);
		pids[step->process] = fork();
		if (pids[step->process] < 0)
			fail("fork");
		if (!pids[step->process])
			serve(step->process);
	}
	if (step->exits) {
		end_process(step->process);
		return result;
	}
	ready.fd = channels[step->process][0];
	ready.events = POLLIN;
	if (write(ready.fd, &number, sizeof number) != sizeof number)
		fail("write to a process");
	if (poll(&ready, 1, TIMEOUT_MS) != 1)
		result.signal = -1;
	else if (read(ready.fd, &result, sizeof result) != sizeof result)
		fail("read from a process");
	if (step->child >= 0 && !result.error)
		pids[step->child] = (pid_t)result.value;
	return result;
}

static const char *outcome_of(struct result result)
{
	static const struct {
		int number;
		const char *name;
	} errors[] = {
		{ EPERM, "EPERM" }, { ENOENT, "ENOENT" }, { EBADF, "EBADF" }, { EAGAIN, "EAGAIN" }, { ENOMEM, "ENOMEM" },
		{ EACCES, "EACCES" }, { EFAULT, "EFAULT" }, { EBUSY, "EBUSY" }, { EEXIST, "EEXIST" }, { EINVAL, "EINVAL" },
		{ EFBIG, "EFBIG" }, { ENOSPC, "ENOSPC" }, { EOVERFLOW, "EOVERFLOW" }, { EIDRM, "EIDRM" }, { EPIPE, "EPIPE" },
		{ EOPNOTSUPP, "EOPNOTSUPP" }, { ENOSYS, "ENOSYS" }, { EINTR, "EINTR" }, { ENODEV, "ENODEV" },
	};
	static char other[16];

	if (result.signal)
		return result.signal < 0 ? "HANG" : result.signal == SIGBUS ? "SIGBUS" : "SIGSEGV";
	if (!result.error)
		return "ok";
	for (size_t i = 0; i < LENGTH(errors); i++)
		if (errors[i].number == result.error)
			return errors[i].name;
	snprintf(other, sizeof other, "errno %d", result.error);
	return other;
}

static int compare(const char *text, const char *outcome, const struct expectation *expected)
{
	static const char *const shown[] = { "total", "free", "rsvd", "surp" };
	long counters[LENGTH(counter_names)];
	int wrong = expected->outcome && outcome && strcmp(expected->outcome, outcome);

	read_counters(counters);
	printf("%-48s %-8s", text, outcome ? outcome : "");
	for (size_t i = 0; i < LENGTH(counters); i++) {
		printf(" %s=%ld", shown[i], counters[i]);
		wrong |= expected->counters[i] != ANY && expected->counters[i] != counters[i];
	}
	if (wrong) {
		printf("   WRONG, expected %s", expected->outcome ? expected->outcome : "");
		for (size_t i = 0; i < LENGTH(counters); i++)
			if (expected->counters[i] != ANY)
				printf(" %s=%ld", shown[i], expected->counters[i]);
	}
	printf("\n");
	fflush(stdout);
	return wrong;
}

/* Process 1 of a PID namespace: with it ends every process of the scenario, with the namespaces mounts and segments. */
static int run(void)
{
	int wrong = 0;

	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) || mount("proc", "/proc", "proc", 0, NULL))
		fail("mount");
	if (mount("mounts", DIRECTORY, "tmpfs", 0, "mode=0700"))
		fail("mount of " DIRECTORY);
	put(POOL "/nr_overcommit_hugepages", OVERCOMMIT);
	put(POOL "/nr_hugepages", PAGES);
	if (get(POOL "/nr_hugepages") != PAGES || get(POOL "/free_hugepages") != PAGES)
		fail("the pool cannot be made " POOL_TEXT);
	for (int process = 0; process <= PROCESSES; process++) /* the last one marks where the descriptors of files begin */
		if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, channels[process]))
			fail("socketpair");
	for (size_t number = 0; number < LENGTH(steps); number++) {
		const struct step *step = &steps[number];
		struct result result = step->process < 0 ? result_of(number) : run_in_process(number);
		const char *outcome = outcome_of(result);

		wrong |= compare(step->text, outcome, &step->expected);
		if (result.signal < 0)
			return wrong;
		if (step->at && !result.error && (unsigned long)result.value != step->at) {
			errno = EADDRNOTAVAIL;
			fail("the kernel put a mapping elsewhere");
		}
	}
	for (int process = 0; process < PROCESSES; process++)
		end_process(process);
	release();
	wrong |= compare("(end: everything is gone)", NULL, &at_the_end);
	return wrong;
}

int main(void)
{
	unsigned long pages = get(POOL "/nr_hugepages"), overcommit = get(POOL "/nr_overcommit_hugepages");
	int status = 0;
	pid_t runner;

	if (get(POOL "/free_hugepages") != pages || get(POOL "/resv_hugepages")) {
		fprintf(stderr, "cannot run: pages of the pool are in use, reserved, or were leaked by an earlier run\n");
		return 3;
	}
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWPID))
		fail("namespaces (needs root)");
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	runner = fork();
	if (runner < 0)
		fail("fork");
	if (runner == 0) {
		signal(SIGINT, SIG_DFL);
		signal(SIGTERM, SIG_DFL);
		shared->wrong = run();
		shared->finished = 1;
		exit(shared->wrong);
	}
	for (int waited = 0; !waitpid(runner, &status, WNOHANG); usleep(1000)) {
		if (shared->finished && ++waited == END_MS) {
			fprintf(stderr, "a process is stuck in the kernel and cannot be ended: the pool stays as it is, reboot\n");
			return shared->wrong;
		}
	}
	put(POOL "/nr_overcommit_hugepages", (long)overcommit);
	put(POOL "/nr_hugepages", (long)pages);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 3;
}
