/* listen.c: on which address of a host a TCP listener opens, and how a failure is told. */
#include "listen.h"

#include <stdio.h>
#include <string.h>

int sb_listen_fail(int error, char *why, size_t len, const char *what, const char *where) {
    char text[256];
    snprintf(why, len, "cannot %s '%s': %s", what, where,
             sb_os_error_text(error, text, sizeof text));
    return error;
}

bool sb_listen_fits(const char *path, size_t longest, char *why, size_t len) {
    if (strlen(path) <= longest)
        return true;
    snprintf(why, len, "cannot listen on '%s': the path is longer than %zu bytes", path, longest);
    return false;
}

/* Of the addresses of a name the IPv4 ones are tried first, because that is where programs that
 * connect to "localhost" expect a server. */
int sb_listen_tcp(const char *host, uint16_t port, bool exposed, sb_source *s, char *endpoint,
                  size_t room, char *why, size_t why_len) {
    char service[8], where[300];
    snprintf(service, sizeof service, "%u", (unsigned)port);
    snprintf(where, sizeof where, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, (unsigned)port);
    const sb_address_list hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    sb_address_list *list = NULL;
    int error = sb_addresses_find(host, service, &hints, &list, why, why_len);
    if (error)
        return error;
    error = SB_NO_ADDRESS;
    bool refused = false;
    for (int pass = 0; pass < 2 && error; pass++) {
        for (const sb_address_list *a = list; a && error; a = a->ai_next) {
            if ((a->ai_family == AF_INET) != (pass == 0))
                continue;
            if (exposed || sb_address_is_loopback(a->ai_addr))
                error = sb_address_listen(a, s, endpoint, room);
            else
                refused = true;
        }
    }
    sb_addresses_free(list);
    if (!error)
        return 0;
    if (refused && error == SB_NO_ADDRESS) {
        snprintf(why, why_len,
                 "cannot listen on '%s': only a loopback address (127.0.0.1, ::1, localhost) is "
                 "open without an access token",
                 where);
        return SB_NO_ACCESS;
    }
    return sb_listen_fail(error, why, why_len, "listen on", where);
}
