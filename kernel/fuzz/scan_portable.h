/* scan_portable.h: the scan as a machine without SSE2 compiles it, beside the other. */
#ifndef SCAN_PORTABLE_H
#define SCAN_PORTABLE_H

#include "json.h"

sb_scan_status portable_json_scan(const char *text, size_t len, sb_scan *out);

#endif
