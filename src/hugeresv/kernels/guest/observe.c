/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a worker sees of a range of its own memory: holes from maps, pages of private mappings from pagemap (bit 63). A
 * page of a shared mapping is there when it is in the page cache: the file is mapped a second time and registered with
 * userfaultfd, so that a touch there that would need a new page raises SIGBUS before anything is allocated
 * (mm/hugetlb.c, hugetlb_no_page).
 */

#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

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

int observe(uintptr_t start, unsigned long pages, unsigned long page_bytes)
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
