/* address.h: internet addresses, which all systems write alike. For the listeners of the ports. */
#ifndef SB_OS_ADDRESS_H
#define SB_OS_ADDRESS_H

#ifdef _WIN32
#include <winsock2.h>
#include <ws2tcpip.h>
#else
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#endif

#include <stdbool.h>
#include <stdio.h>

/* "127.0.0.1:80", "[::1]:80", or "unix". */
static inline void sb_address_format(const struct sockaddr *address, char *out, size_t room) {
    char text[INET6_ADDRSTRLEN] = "";
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)address;
        inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
        snprintf(out, room, "[%s]:%u", text, (unsigned)ntohs(v6->sin6_port));
    } else if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)address;
        inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
        snprintf(out, room, "%s:%u", text, (unsigned)ntohs(v4->sin_port));
    } else {
        snprintf(out, room, "unix");
    }
}

static inline bool sb_address_is_loopback(const struct sockaddr *address) {
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)address;
        return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    }
    const struct sockaddr_in6 *v6 = (const void *)address;
    return address->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

#endif
