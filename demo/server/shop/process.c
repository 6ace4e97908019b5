/* SPDX-License-Identifier: MIT */
/* Descriptors are counted in /dev/fd, which most systems have: there is no call for it. */
#include "shop/process.h"

#include <dirent.h>
#include <sys/resource.h>
#include <uv.h>

void process_allow_descriptors(void) {
  struct rlimit limit;

  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit); /* where that is refused, the limit stays as it was */
}

/* The directory has itself in it, as a descriptor. */
uint64_t process_descriptors(void) {
  DIR* directory = opendir("/dev/fd");
  uint64_t n = 0;

  if (directory == NULL) return 0;
  for (const struct dirent* entry; (entry = readdir(directory)) != NULL;)
    n += entry->d_name[0] != '.';
  closedir(directory);
  return n == 0 ? 0 : n - 1;
}

uint64_t process_descriptors_most(void) {
  struct rlimit limit;

  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (uint64_t)limit.rlim_cur : 0;
}

static double seconds_of(uv_timeval_t time) {
  return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

double process_cpu_seconds(void) {
  uv_rusage_t usage;

  return uv_getrusage(&usage) == 0 ? seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime) : 0;
}

uint64_t process_resident_bytes(void) {
  size_t bytes;

  return uv_resident_set_memory(&bytes) == 0 ? bytes : 0;
}
