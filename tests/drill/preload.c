/* Stands between a process and the system's clock and resolver, for drills of clocks that jump and names that don't
   resolve. The environment variable DRILL_SHARED names a file of 16 bytes that all processes of a drill map: seconds
   by which the clock is wrong, and whether names resolve (0) or not (1). */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdint.h>
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
    void *found = mmap(NULL, 16, PROT_READ, MAP_SHARED, descriptor, 0);
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
