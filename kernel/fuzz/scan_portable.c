/* scan_portable.c: the kernel's own sources once more, under other names. */
#undef __SSE2__
#define sb_json_scan      portable_json_scan
#define sb_json_string    portable_json_string
#define sb_json_number    portable_json_number
#define sb_json_literal   portable_json_literal
#define sb_json_no_memory portable_json_no_memory

#include "json.c"
#include "json_token.c"
