/* embedded.h: workers that the host provides as a pair of descriptors. */
#ifndef SB_EMBEDDED_H
#define SB_EMBEDDED_H

#include "bus.h"

/* Closes it for good; its requests are answered. Idempotent. */
void sb_embedded_close(sb_worker *w);

#endif
