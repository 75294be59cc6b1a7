/* process.h: what a system gives its processes: arguments and standard streams. */
#ifndef SBD_PROCESS_H
#define SBD_PROCESS_H

#include <stdbool.h>
#include <stddef.h>

enum { SBD_STDIN = 0, SBD_STDOUT = 1, SBD_STDERR = 2 };

/* Sees to it that the arguments are UTF-8 and that the three streams are open. False: it cannot go
 * on like that. */
bool sbd_process_prepare(int *argc, char ***argv);
bool sbd_process_can_inherit_descriptors(void);
/* So that what a terminal sends to those it shows does not come here. False with errno set. */
bool sbd_process_leave_group(void);

/* Reads standard input when it is readable. Bytes read, 0 at its end, -1 with errno set. */
ptrdiff_t sbd_input_read(void *into, size_t room);

#endif
