/* posix.h: what the POSIX ports (Linux, macOS) share among themselves. */
#ifndef SB_POSIX_H
#define SB_POSIX_H

#include <sys/socket.h>
#include <sys/types.h>

#include "os.h"

static inline int sb_fd(const sb_source *s) {
    return (int)s->handle;
}

/* --- posix.c ------------------------------------------------------------------------------- */

/* Closes *fd if it is open and marks it closed. */
void sb_fd_close(int *fd);
int sb_fd_nonblocking(int fd);
/* A pipe whose two ends are above 2, so that wiring a child cannot overwrite one of them (a host
 * may run with its standard descriptors closed). On failure both are -1. */
int sb_pipe_open(int ends[2]);
int sb_null_open(int *fd); /* the null device, as high */
/* The clock of sb_clock_ms(). */
int64_t sb_clock_us(void);

/* --- linux_fd.c, darwin_fd.c: descriptors as each system makes them -------------------------- */

/* All of these are closed in other children of the host. The first two return 0 or an error (a pipe
 * may then be open by half: what is, is set); the third a descriptor, or -1 with errno set. */
int sb_fd_pipe(int ends[2]);
int sb_fd_socket(int family, int *fd);                                    /* non-blocking */
int sb_fd_accept(int listener, struct sockaddr *address, socklen_t *len); /* non-blocking */
/* Whoever is at the other end of a Unix socket. False when the system cannot say. */
bool sb_fd_peer(int fd, uid_t *user, pid_t *pid);
/* For every pipe that is written to: that nobody reads it is an error and no signal, where the
 * system has that as a property of pipes. Sends to sockets ask for it each time. */
int sb_fd_without_signal(int fd);
/* write(), without the signal for a pipe that nobody reads where the system can be told so with
 * each write. To stand between hold and release all the same. */
ssize_t sb_fd_write(int fd, const void *buf, size_t len);

/* --- posix_launch.c ------------------------------------------------------------------------ */

/* What the birth of a child needs, prepared in one block: on Linux the child shares its parent's
 * memory until exec and must not allocate. */
typedef struct sb_launch {
    char **argv;       /* [0] the command as given */
    char **shell_argv; /* the same behind /bin/sh, for a script without an interpreter line */
    char **envp;
    char **paths; /* files to try, in order */
    const char *cwd;
    int in, out, err; /* the child's ends, all above 2; err may be -1: the host's */
    int announce;     /* -1: none */
    bool outlives_host;
    void *block; /* the memory of all of the above */
} sb_launch;

int sb_launch_prepare(sb_launch *launch, const sb_command *command);
void sb_launch_free(sb_launch *launch);

/* --- linux_child.c, darwin_child.c ---------------------------------------------------------- */

/* Starts the process. Returns 0, or the error with nothing left of it; *at_cwd: the working
 * directory was at fault, not the command. *pid is also set for one that could not become the
 * command. */
int sb_launch_birth(sb_launch *launch, pid_t *pid, bool *at_cwd);

/* --- linux.c, darwin.c ------------------------------------------------------------------------ */

/* A descriptor that is and stays readable once the child has exited; -1 where there is none. */
int sb_exit_notice(pid_t pid);

#endif
