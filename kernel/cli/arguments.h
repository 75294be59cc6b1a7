/* arguments.h: the daemon's command line. */
#ifndef SBD_ARGUMENTS_H
#define SBD_ARGUMENTS_H

#include <stdbool.h>
#include <stdio.h>

#include "stdio_bus.h"

typedef enum sbd_action {
    SBD_ACTION_RUN,
    SBD_ACTION_CHECK,
    SBD_ACTION_PING, /* of what `listener` names */
    SBD_ACTION_GUARD,
    SBD_ACTION_VERSION,
    SBD_ACTION_HELP,
    SBD_ACTION_REFUSE /* the command line is wrong: `problem` says how */
} sbd_action;

typedef struct sbd_arguments {
    sbd_action action;
    const char *config_path;       /* NULL: one of the next two is set */
    int config_fd;                 /* -1: none */
    int host_fd;                   /* -1: none */
    const char *token_path;        /* NULL: no token */
    stdio_bus_listener_t listener; /* mode NONE: --stdio */
    stdio_bus_log_level_t log_level;
    bool own_group;
    char tcp_host[256];
    char problem[512];
} sbd_arguments;

/* Fills `out`; strings point into argv or into `out` itself. */
void sbd_arguments_parse(int argc, char **argv, sbd_arguments *out);
void sbd_arguments_help(FILE *to);

#endif
