#include "revision.h"

#ifndef REMORA_REVISION
#define REMORA_REVISION ""
#endif

const char *remora_revision(void) { return REMORA_REVISION; }
