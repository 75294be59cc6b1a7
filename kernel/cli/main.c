/* main.c: the daemon stdio_bus. */
#include <stdio.h>

#include "arguments.h"
#include "daemon.h"
#include "guard.h"
#include "ping.h"
#include "process.h"
#include "source.h"
#include "stdio_bus.h"
#include "token.h"

enum { EXIT_OK = 0, EXIT_RUNTIME = 1, EXIT_USAGE = 2 };

/* What was printed has arrived, or the status says that it has not. */
static int printed(void) {
    return fflush(stdout) == 0 ? EXIT_OK : EXIT_RUNTIME;
}

int main(int argc, char **argv) {
    sbd_arguments arguments;
    sbd_source source = {0};
    if (!sbd_process_prepare(&argc, &argv))
        return EXIT_RUNTIME;
    sbd_arguments_parse(argc, argv, &arguments);
    switch (arguments.action) {
    case SBD_ACTION_HELP:
        sbd_arguments_help(stdout);
        return printed();
    case SBD_ACTION_VERSION:
        printf("stdio_bus %s\n", stdio_bus_version());
        return printed();
    case SBD_ACTION_REFUSE:
        fprintf(stderr, "stdio_bus: %s\n", arguments.problem);
        return EXIT_USAGE;
    case SBD_ACTION_GUARD:
        return sbd_guard_run();
    case SBD_ACTION_PING:
    case SBD_ACTION_CHECK:
    case SBD_ACTION_RUN:
        break;
    }
    if ((arguments.config_fd >= 0 || arguments.host_fd >= 0) &&
        !sbd_process_can_inherit_descriptors()) {
        fprintf(stderr, "stdio_bus: %s: not on this system; expected --config PATH\n",
                arguments.host_fd >= 0 ? "--host-fd" : "--config-fd");
        return EXIT_USAGE;
    }
    if (arguments.own_group && !sbd_process_leave_group())
        perror("stdio_bus: --own-group");
    bool check = arguments.action == SBD_ACTION_CHECK;
    int status = EXIT_USAGE;
    sbd_token token = {""};
    bool has_token = !arguments.token_path || sbd_token_read(arguments.token_path, &token);
    if (has_token && arguments.action == SBD_ACTION_PING)
        return sbd_ping_run(&arguments, token.text[0] ? token.text : NULL);
    if (has_token && sbd_source_read(&arguments, check, &token, &source)) {
        if (check) {
            printf("%s: the configuration is valid\n", source.name);
            status = printed();
        } else {
            status = sbd_daemon_run(&arguments, &source, token.text[0] ? token.text : NULL);
        }
    }
    sbd_source_free(&source);
    return status;
}
