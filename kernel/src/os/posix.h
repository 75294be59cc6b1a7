/* posix.h: what the POSIX ports (Linux, macOS) share among themselves. */
#ifndef SB_POSIX_H
#define SB_POSIX_H

#include "os.h"

static inline int sb_fd(const sb_source *s) {
    return (int)s->handle;
}

/* Closes *fd if it is open and marks it closed. */
void sb_fd_close(int *fd);
int sb_fd_nonblocking(int fd);

/* What a child does between its birth and exec, prepared by the parent because the child may
 * not allocate: it shares the parent's memory. */
typedef struct sb_launch {
    char **argv;       /* [0] the command as given */
    char **shell_argv; /* the same behind /bin/sh, for a script without an interpreter line */
    char **envp;
    char **paths; /* files to try, in order */
    const char *cwd;
    int in, out, err, report; /* descriptors, all above 2; err may be -1: the host's */
    int parent;               /* pid that must still be the parent */
    void *block;              /* the memory of all of the above */
} sb_launch;

int sb_launch_prepare(sb_launch *launch, const sb_command *command);
void sb_launch_free(sb_launch *launch);

/* What the child reports when it cannot become the command. */
typedef struct sb_launch_report {
    int error;
    int at_cwd; /* the working directory was at fault, not the command */
} sb_launch_report;

#endif
