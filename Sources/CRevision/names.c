/* The names of Unicode's characters, which Swift's `Unicode.Scalar.Properties` offers and nothing here asks for, are tables
   of 0.5 MB. A release takes this in place of the function that reads them (see release.ld), and no character has a name. */

#include <stdint.h>

intptr_t remora_scalar_name(uint32_t scalar, uint8_t *buffer, intptr_t capacity) {
  (void)scalar, (void)buffer, (void)capacity;
  return 0;
}
