/*
 * Makes the nth call that touches a file below FAULT_DIR fail, as a disk does: preload it with LD_PRELOAD. FAULT_AT
 * is n, 0 for none; FAULT_ERRNO is the error. At the end the number of such calls stands in the file FAULT_COUNT.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_long calls;
static const char *folder;
static long nth;
static int failure;

__attribute__((constructor)) static void begin(void) {
  const char *at = getenv("FAULT_AT"), *error = getenv("FAULT_ERRNO");
  folder = getenv("FAULT_DIR");
  nth = at ? atol(at) : 0;
  failure = error ? atoi(error) : EIO;
}

__attribute__((destructor)) static void end(void) {
  const char *path = getenv("FAULT_COUNT");
  FILE *file = path ? fopen(path, "w") : NULL;
  if (file) {
    fprintf(file, "%ld", atomic_load(&calls));
    fclose(file);
  }
}

static int fails(const char *path) {
  if (!folder || !path || strncmp(path, folder, strlen(folder)) != 0) return 0;
  if (atomic_fetch_add(&calls, 1) + 1 != nth) return 0;
  errno = failure;
  return 1;
}

static int fails_of(int file) {
  char link[64], path[PATH_MAX];
  int before = errno;
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  errno = before;
  if (length <= 0) return 0;
  path[length] = 0;
  return fails(path);
}

#define REAL(name) \
  static __typeof__(&name) real; \
  if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

#define ON_FILE(type, name, parameters, arguments) \
  type name parameters { \
    REAL(name); \
    return fails_of(file) ? -1 : real arguments; \
  }

#define ON_PATH(type, name, parameters, arguments) \
  type name parameters { \
    REAL(name); \
    return fails(path) ? -1 : real arguments; \
  }

ON_FILE(ssize_t, read, (int file, void *to, size_t size), (file, to, size))
ON_FILE(ssize_t, write, (int file, const void *from, size_t size), (file, from, size))
ON_FILE(ssize_t, pread, (int file, void *to, size_t size, off_t at), (file, to, size, at))
ON_FILE(ssize_t, pwrite, (int file, const void *from, size_t size, off_t at), (file, from, size, at))
ON_FILE(ssize_t, pread64, (int file, void *to, size_t size, off64_t at), (file, to, size, at))
ON_FILE(ssize_t, pwrite64, (int file, const void *from, size_t size, off64_t at), (file, from, size, at))
ON_FILE(int, fsync, (int file), (file))
ON_FILE(int, fdatasync, (int file), (file))
ON_FILE(int, ftruncate64, (int file, off64_t size), (file, size))
ON_PATH(int, rename, (const char *path, const char *to), (path, to))
ON_PATH(int, link, (const char *path, const char *to), (path, to))
ON_PATH(int, linkat, (int a, const char *path, int b, const char *to, int flags), (a, path, b, to, flags))
ON_PATH(int, mkdir, (const char *path, mode_t mode), (path, mode))

#define OPEN(name) \
  int name(const char *path, int flags, ...) { \
    REAL(name); \
    va_list rest; \
    va_start(rest, flags); \
    mode_t mode = va_arg(rest, mode_t); \
    va_end(rest); \
    return fails(path) ? -1 : real(path, flags, mode); \
  }

OPEN(open)
OPEN(open64)
