/* A preloaded library that calls clearenv(3) leaves no list of variables, and Swift's runtime, which reads the list before
   `main`, none to read: it gets an empty one, before any other constructor of the program runs. */

#include <stddef.h>
#include <unistd.h>

extern char **environ;

static char *empty[1];

__attribute__((constructor(101))) static void give_empty_environment(void) {
  if (environ == NULL) environ = empty;
}
