/* guard.h: `stdio_bus --guard`, the process that ends what a killed host leaves behind. */
#ifndef SBD_GUARD_H
#define SBD_GUARD_H

/* Reads the list of process groups from standard input until its end, then ends those that are
 * left. Returns the exit status. */
int sbd_guard_run(void);

#endif
