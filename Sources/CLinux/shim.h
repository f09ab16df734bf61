/* Kernel interfaces that Swift's Glibc module leaves out. Headers only: there is no C source in Remora. */
#ifndef REMORA_CLINUX_H
#define REMORA_CLINUX_H

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <netinet/tcp.h>
#include <malloc.h>

/* Hidden behind _GNU_SOURCE, which is decided before this header is read. */
extern int accept4(int, struct sockaddr *, socklen_t *, int);
extern int pipe2(int *, int);
extern void *memmem(const void *, size_t, const void *, size_t);

/* Variadic, which Swift can't call. */
static inline int remora_forbid_dumps(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

#endif
