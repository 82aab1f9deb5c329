/* A library for LD_PRELOAD that makes fsync and fdatasync take 2 ms longer. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int slow(int (*real)(int), int fd) {
  struct timespec delay = {0, 2000000};
  int result = real(fd);
  nanosleep(&delay, 0);
  return result;
}

int fsync(int fd) { return slow(REAL(fsync), fd); }

int fdatasync(int fd) { return slow(REAL(fdatasync), fd); }
