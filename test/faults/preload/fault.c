/*
 * A library for LD_PRELOAD. While the file FAULT_WHILE exists, calls fail for files whose path ends in FAULT_FILE.
 * FAULT_CALL selects "sync" or "write" calls, and FAULT_ERRNO is the error number.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fails(const char *call, int fd) {
  const char *which = getenv("FAULT_CALL"), *ending = getenv("FAULT_FILE"), *during = getenv("FAULT_WHILE");
  char link[64], path[PATH_MAX];
  ssize_t length;
  if (!which || !ending || !during || strcmp(which, call) != 0) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  length = readlink(link, path, sizeof path);
  if (length < (ssize_t)strlen(ending)) return 0;
  if (memcmp(path + length - strlen(ending), ending, strlen(ending)) != 0) return 0;
  if (access(during, F_OK) != 0) return 0;
  errno = atoi(getenv("FAULT_ERRNO"));
  return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int fsync(int fd) { return fails("sync", fd) ? -1 : REAL(fsync)(fd); }

int fdatasync(int fd) { return fails("sync", fd) ? -1 : REAL(fdatasync)(fd); }

ssize_t write(int fd, const void *bytes, size_t count) { return fails("write", fd) ? -1 : REAL(write)(fd, bytes, count); }

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
  return fails("write", fd) ? -1 : REAL(pwrite)(fd, bytes, count, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
  return fails("write", fd) ? -1 : REAL(pwrite64)(fd, bytes, count, at);
}
