/* json_member.h: the members of a message that routing needs, known by their keys. */
#ifndef SB_JSON_MEMBER_H
#define SB_JSON_MEMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

typedef enum sb_member {
    SB_MEMBER_OTHER,
    SB_MEMBER_ID,
    SB_MEMBER_METHOD,
    SB_MEMBER_SESSION,
    SB_MEMBER_POOL,
    SB_MEMBER_AGENT,
    SB_MEMBER_EXT,
    SB_MEMBER_PARAMS,
    SB_MEMBER_RESULT,
    SB_MEMBER_ERROR,
    SB_MEMBER_PARAMS_SESSION,
    SB_MEMBER_PARAMS_TOKEN,
    SB_MEMBER_PARAMS_META,
    SB_MEMBER_PARAMS_REQUEST_ID,
    SB_MEMBER_PARAMS_ID,
    SB_MEMBER_META_TOKEN,
    SB_MEMBER_RESULT_SESSION,
    SB_MEMBER_COUNT
} sb_member;

static inline bool sb_key_is(const unsigned char *key, size_t len, const char *name,
                             size_t name_len) {
    return len == name_len && memcmp(key, name, name_len) == 0;
}
#define KEY_IS(name) sb_key_is(key, len, name, sizeof(name) - 1)

/* Of the message itself. `key` is what stands between the quotes. */
static inline sb_member sb_member_of_message(const unsigned char *key, size_t len) {
    switch (len) {
    case 2:
        return KEY_IS("id") ? SB_MEMBER_ID : SB_MEMBER_OTHER;
    case 4:
        return KEY_IS("pool") ? SB_MEMBER_POOL : KEY_IS("_ext") ? SB_MEMBER_EXT : SB_MEMBER_OTHER;
    case 5:
        return KEY_IS("error") ? SB_MEMBER_ERROR : SB_MEMBER_OTHER;
    case 6:
        return KEY_IS("method")   ? SB_MEMBER_METHOD
               : KEY_IS("params") ? SB_MEMBER_PARAMS
               : KEY_IS("result") ? SB_MEMBER_RESULT
                                  : SB_MEMBER_OTHER;
    case 7:
        return KEY_IS("agentId") ? SB_MEMBER_AGENT : SB_MEMBER_OTHER;
    case 9:
        return KEY_IS("sessionId") ? SB_MEMBER_SESSION : SB_MEMBER_OTHER;
    default:
        return SB_MEMBER_OTHER;
    }
}

static inline sb_member sb_member_of_params(const unsigned char *key, size_t len) {
    switch (len) {
    case 2:
        return KEY_IS("id") ? SB_MEMBER_PARAMS_ID : SB_MEMBER_OTHER;
    case 5:
        return KEY_IS("_meta") ? SB_MEMBER_PARAMS_META : SB_MEMBER_OTHER;
    case 9:
        return KEY_IS("sessionId")   ? SB_MEMBER_PARAMS_SESSION
               : KEY_IS("requestId") ? SB_MEMBER_PARAMS_REQUEST_ID
                                     : SB_MEMBER_OTHER;
    case 13:
        return KEY_IS("progressToken") ? SB_MEMBER_PARAMS_TOKEN : SB_MEMBER_OTHER;
    default:
        return SB_MEMBER_OTHER;
    }
}

/* Of what is inside the value of `container`. */
static inline sb_member sb_member_within(sb_member container, const unsigned char *key,
                                         size_t len) {
    switch (container) {
    case SB_MEMBER_PARAMS:
        return sb_member_of_params(key, len);
    case SB_MEMBER_PARAMS_META:
        return KEY_IS("progressToken") ? SB_MEMBER_META_TOKEN : SB_MEMBER_OTHER;
    case SB_MEMBER_RESULT:
        return KEY_IS("sessionId") ? SB_MEMBER_RESULT_SESSION : SB_MEMBER_OTHER;
    default:
        return SB_MEMBER_OTHER;
    }
}

#undef KEY_IS

/* Its place in sb_scan.envelope; -1: it is no member of the envelope. */
static inline int sb_member_in_envelope(sb_member m) {
    switch (m) {
    case SB_MEMBER_SESSION:
        return 0;
    case SB_MEMBER_POOL:
        return 1;
    case SB_MEMBER_AGENT:
        return 2;
    case SB_MEMBER_EXT:
        return 3;
    default:
        return -1;
    }
}

#endif
