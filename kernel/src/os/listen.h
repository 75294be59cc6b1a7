/* listen.h: what listeners have in common on all systems, and what a port brings for it. */
#ifndef SB_OS_LISTEN_H
#define SB_OS_LISTEN_H

#include "address.h"
#include "os.h"

#ifdef _WIN32
typedef ADDRINFOW sb_address_list;
enum { SB_NO_ADDRESS = WSAEADDRNOTAVAIL, SB_NO_ACCESS = WSAEACCES };
#else
#include <errno.h>
#include <netdb.h>
typedef struct addrinfo sb_address_list;
enum { SB_NO_ADDRESS = EADDRNOTAVAIL, SB_NO_ACCESS = EACCES };
#endif

/* Writes "cannot WHAT 'WHERE': ..." with the system's words for the error, and returns that. */
int sb_listen_fail(int error, char *why, size_t len, const char *what, const char *where);
/* "cannot listen on 'PATH': the path is longer than N bytes" for one that fits into no address of a
 * Unix socket. */
bool sb_listen_fits(const char *path, size_t longest, char *why, size_t len);

/* --- posix_listen.c, windows_listen.c ------------------------------------------------------ */

/* The addresses of a host. 0, or an error with its reason in `why`. */
int sb_addresses_find(const char *host, const char *service, const sb_address_list *hints,
                      sb_address_list **list, char *why, size_t len);
void sb_addresses_free(sb_address_list *list);
/* Listens on the first address of the list; the one it got stands in `endpoint`. */
int sb_address_listen(const sb_address_list *address, sb_source *s, char *endpoint, size_t room);

#endif
