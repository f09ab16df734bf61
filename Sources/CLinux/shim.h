/* Kernel interfaces that Swift's Glibc module leaves out. Headers only: there is no C source in Remora. */
#ifndef REMORA_CLINUX_H
#define REMORA_CLINUX_H

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <netinet/tcp.h>
#include <malloc.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

/* Hidden behind _GNU_SOURCE, which is decided before this header is read. */
extern int accept4(int, struct sockaddr *, socklen_t *, int);
extern int pipe2(int *, int);
extern void *memmem(const void *, size_t, const void *, size_t);
extern char **environ;

/* Null behind clearenv(3), where Swift's own `environ` traps. */
static inline char **_Nullable remora_environ(void) { return environ; }

/* Begins to bring so many lines of memory near, each 64 bytes; an address without memory does nothing. */
static inline __attribute__((always_inline)) void remora_prefetch(size_t address, size_t lines) {
  const char *line = (const char *)address;
  for (; lines >= 4; lines -= 4, line += 256) {
    __builtin_prefetch(line);
    __builtin_prefetch(line + 64);
    __builtin_prefetch(line + 128);
    __builtin_prefetch(line + 192);
  }
  for (; lines > 0; lines -= 1, line += 64) __builtin_prefetch(line);
}

/* Variadic, which Swift can't call. */
static inline int remora_forbid_dumps(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

/* What was sent and not taken: SIOCOUTQ of tcp(7) and unix(7). */
static inline int remora_unsent(int descriptor, int *count) { return ioctl(descriptor, TIOCOUTQ, count); }

/* What dl_iterate_phdr(3) tells of an object, hidden as well. */
struct remora_object {
  ElfW(Addr) base;
  const char *name;
  const ElfW(Phdr) *parts;
  ElfW(Half) count;
};
extern int dl_iterate_phdr(int (*)(struct remora_object *, size_t, void *), void *);

/* Has the kernel forget the pages of one object's code and constants. They are read from the file again, most often
   out of the page cache, when they are next needed. */
static int remora_forget_object(struct remora_object *object, size_t size, void *unused) {
  (void)size;
  (void)unused;
  const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  for (int index = 0; index < object->count; index++) {
    const ElfW(Phdr) *part = &object->parts[index];
    if (part->p_type != PT_LOAD || (part->p_flags & PF_W)) continue;
    const uintptr_t start = (object->base + part->p_vaddr + page - 1) & ~(page - 1);
    const uintptr_t end = (object->base + part->p_vaddr + part->p_memsz) & ~(page - 1);
    if (end > start) madvise((void *)start, end - start, MADV_DONTNEED);
  }
  return 0;
}
static inline void remora_forget_code(void) { dl_iterate_phdr(remora_forget_object, 0); }

#endif
