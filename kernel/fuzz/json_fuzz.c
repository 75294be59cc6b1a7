/* json_fuzz.c: whatever the text, the scan stays inside it, its tokens do too, and what is left of
 * a message without its envelope members is a message again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_token(sb_token token, const char *text, size_t size) {
    if (!token.p)
        return;
    if (token.p < text || token.p + token.len > text + size)
        abort();
    char *decoded = malloc(token.len + 1);
    if (!decoded)
        abort();
    size_t len = sb_json_decode(token, decoded);
    char *quoted = malloc(6 * len + 2);
    if (len > token.len || !quoted || sb_json_quote(decoded, len, quoted) > 6 * len + 2)
        abort();
    free(quoted);
    free(decoded);
}

static void check_stripped(const sb_scan *scan, const char *text, size_t size) {
    char *kept = malloc(size);
    size_t n = 0, taken = 0;
    if (!kept)
        abort();
    for (size_t i = 0; i < size; i++) {
        bool inside = false;
        for (int e = 0; e < 4; e++)
            inside |= i >= scan->envelope[e].start && i < scan->envelope[e].end;
        if (!inside)
            kept[n++] = text[i];
    }
    for (int e = 0; e < 4; e++)
        taken += scan->envelope[e].end - scan->envelope[e].start;
    sb_scan again;
    if (taken + n != size || sb_json_scan(kept, n, &again) != SB_SCAN_OK)
        abort();
    free(kept);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;
    sb_scan scan;
    sb_scan_status status = sb_json_scan(text, size, &scan);
    if (status == SB_SCAN_INVALID && (scan.error_at > size || !scan.error_text))
        abort();
    const sb_token tokens[] = {
        scan.id,         scan.method,         scan.session,        scan.pool,
        scan.params,     scan.params_session, scan.progress_token, scan.meta_token,
        scan.request_id, scan.params_id,      scan.result,         scan.result_session,
        scan.error};
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++)
        check_token(tokens[i], text, size);
    if (status == SB_SCAN_OK)
        check_stripped(&scan, text, size);
    return 0;
}
