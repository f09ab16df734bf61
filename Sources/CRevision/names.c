/* The names of Unicode's characters, which Swift's `Unicode.Scalar.Properties` offers and nothing here asks for, are tables
   of 0.5 MB. A release takes this in place of the function that reads them (see release.ld), and no character has a name. */

#include <stddef.h>
#include <stdint.h>

intptr_t remora_scalar_name(uint32_t scalar, uint8_t *buffer, intptr_t capacity) {
  (void)scalar, (void)buffer, (void)capacity;
  return 0;
}

/* The names of C++'s functions, which Swift's runtime would write legibly beside Swift's own as a program of ours ends at a
   fault of it, take 45 KB to read: they stay as they are. -2: no name (Itanium C++ ABI, section 3.4). */
char *remora_cxx_name(const char *name, char *buffer, size_t *size, int *status) {
  (void)name, (void)buffer, (void)size;
  if (status) *status = -2;
  return NULL;
}
