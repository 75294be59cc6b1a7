/* posix_process.c: see process.h. */
#include <fcntl.h>
#include <unistd.h>

#include "process.h"

/* A descriptor below 3 that is closed would be given to the next file that is opened, which
 * would then be taken for standard input, output or error. */
bool sbd_process_prepare(int *argc, char ***argv) {
    (void)argc, (void)argv;
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
            return false;
    return true;
}

bool sbd_process_can_inherit_descriptors(void) {
    return true;
}

bool sbd_process_leave_group(void) {
    return getpgrp() == getpid() || setpgid(0, 0) == 0;
}

ptrdiff_t sbd_input_read(void *into, size_t room) {
    return read(SBD_STDIN, into, room);
}
