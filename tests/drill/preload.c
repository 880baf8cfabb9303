/* Stands between a process and the system's clock, resolver and files, for drills of clocks that jump, names that don't
   resolve and a file system that has become read-only. The environment variable DRILL_SHARED names a file of 24 bytes
   that all processes of a drill map: seconds by which the clock is wrong, whether names resolve (0) or not (1), and
   whether the files of SQLite can be written (0) or not (1). */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *shared;

__attribute__((constructor)) static void map_shared(void) {
    const char *path = getenv("DRILL_SHARED");
    int descriptor = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (descriptor < 0) return;
    void *found = mmap(NULL, 24, PROT_READ, MAP_SHARED, descriptor, 0);
    if (found != MAP_FAILED) shared = found;
    close(descriptor);
}

static int64_t error_of_clock(void) { return shared ? shared[0] : 0; }

int clock_gettime(clockid_t clock, struct timespec *result) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int status = real(clock, result);
    if (!status && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) result->tv_sec += error_of_clock();
    return status;
}

int gettimeofday(struct timeval *restrict result, void *restrict zone) {
    struct timespec now;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
    result->tv_sec = now.tv_sec;
    result->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *result) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (result) *result = now.tv_sec;
    return now.tv_sec;
}

/* The name of the drill's database is this machine, as long as names resolve. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **result) {
    static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    if (!real) real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (name && strcmp(name, "database.drill") == 0) {
        if (shared && shared[1]) return EAI_AGAIN;
        name = "127.0.0.1";
    }
    return real(name, service, hints, result);
}

/* Linux makes a file system that is damaged read-only under those who have its files open: what they write fails. */
static int is_read_only(const char *path) { return shared && shared[2] && strstr(path, ".sqlite3"); }

static int refuses(int descriptor) {
    char link[40], path[4096];
    if (!shared || !shared[2]) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    if (!is_read_only(path)) return 0;
    errno = EROFS;
    return 1;
}

#define WRITES(name, result, parameters, arguments)                            \
    result name parameters {                                                   \
        static result (*real) parameters;                                      \
        if (!real) real = dlsym(RTLD_NEXT, #name);                             \
        return refuses(file) ? -1 : real arguments;                            \
    }

WRITES(write, ssize_t, (int file, const void *from, size_t size), (file, from, size))
WRITES(pwrite, ssize_t, (int file, const void *from, size_t size, off_t at), (file, from, size, at))
WRITES(pwrite64, ssize_t, (int file, const void *from, size_t size, off64_t at), (file, from, size, at))
WRITES(ftruncate, int, (int file, off_t size), (file, size))
WRITES(ftruncate64, int, (int file, off64_t size), (file, size))

#define OPENS(name)                                                            \
    int name(const char *path, int flags, ...) {                               \
        static int (*real)(const char *, int, ...);                            \
        va_list rest;                                                          \
        va_start(rest, flags);                                                 \
        mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;              \
        va_end(rest);                                                          \
        if (!real) real = dlsym(RTLD_NEXT, #name);                             \
        if (is_read_only(path) && (flags & O_ACCMODE) != O_RDONLY) {           \
            errno = EROFS;                                                     \
            return -1;                                                         \
        }                                                                      \
        return real(path, flags, mode);                                        \
    }

OPENS(open)
OPENS(open64)
