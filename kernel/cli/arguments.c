/* arguments.c: strict: every option at most once, every number a number, nothing guessed. */
#include "arguments.h"

#include <stdarg.h>
#include <string.h>

typedef enum option {
    CONFIG,
    CONFIG_FD,
    HOST_FD,
    STDIO,
    UNIX,
    TCP,
    TOKEN_FILE,
    LOG_LEVEL,
    OWN_GROUP,
    CHECK,
    PING,
    GUARD,
    VERSION,
    HELP,
    OPTION_COUNT
} option;

static const struct {
    const char *name;
    const char *value; /* what must follow; NULL: nothing */
} options[OPTION_COUNT] = {
    [CONFIG] = {"--config", "PATH"},     [CONFIG_FD] = {"--config-fd", "N"},
    [HOST_FD] = {"--host-fd", "N"},      [STDIO] = {"--stdio", NULL},
    [UNIX] = {"--unix", "PATH"},         [TCP] = {"--tcp", "HOST:PORT"},
    [OWN_GROUP] = {"--own-group", NULL}, [TOKEN_FILE] = {"--token-file", "PATH"},
    [CHECK] = {"--check", NULL},         [LOG_LEVEL] = {"--log-level", "LEVEL"},
    [HELP] = {"--help", NULL},           [VERSION] = {"--version", NULL},
    [GUARD] = {"--guard", NULL},         [PING] = {"--ping", "HOST:PORT"},
};

void sbd_arguments_help(FILE *to) {
    fputs(
        "Usage: stdio_bus (--config PATH | --config-fd N | --host-fd N) [OPTION]...\n"
        "\n"
        "Runs pools of worker processes that speak newline-delimited JSON-RPC 2.0 on their\n"
        "standard input and output, and routes messages between them and clients.\n"
        "\n"
        "Configuration:\n"
        "  --config PATH      read it from a file; its relative paths start at the file's folder\n"
        "  --config-fd N      read it from an open descriptor, up to its end (not on Windows)\n"
        "  --host-fd N        with --tcp or --unix: read two lines from an open descriptor, the\n"
        "                     access token (empty: none) and the configuration, and stop when the\n"
        "                     descriptor ends: then the host that holds it has gone. SIGINT, "
        "which\n"
        "                     a terminal sends for the host's sake, is ignored. Not on\n"
        "                     Windows\n"
        "  --check            check the configuration, start nothing\n"
        "\n"
        "Clients (one of these; --stdio when none is given):\n"
        "  --stdio            one client on standard input and output\n"
        "  --unix PATH        clients on a Unix socket, of the same user only; on Windows\n"
        "                     \\\\.\\pipe\\NAME is a named pipe\n"
        "  --tcp HOST:PORT    clients on TCP; HOST is a name, an IPv4 address or an IPv6\n"
        "                     address in brackets; port 0 lets the system choose\n"
        "  --token-file PATH  with --tcp: each client's first line must show the token that is\n"
        "                     the first line of this file; without it only loopback addresses\n"
        "                     (127.0.0.1, ::1, localhost) can be listened on\n"
        "\n"
        "  --log-level LEVEL  debug, info (default), warn or error; the log goes to\n"
        "                     standard error\n"
        "  --own-group        leave the process group of who started this, to which a terminal\n"
        "                     sends its signals\n"
        "  --ping HOST:PORT   alone, or with --token-file: see whether a daemon serves there;\n"
        "                     exit status 0 when it answers, 1 when it does not\n"
        "  --guard            alone; how the bus starts the process that ends what workers have\n"
        "                     started when the bus itself is killed\n"
        "  --version          print the version\n"
        "  --help             print this text\n"
        "\n"
        "SIGTERM, SIGINT and, with --stdio, the end of standard input let requests in flight\n"
        "finish and then stop the workers. A second signal ends everything at once.\n"
        "\n"
        "Exit status: 0 after an orderly end, 1 when the bus could not start or run, 2 for a\n"
        "wrong command line or configuration, 130 or 143 after a second signal.\n",
        to);
}

__attribute__((format(printf, 2, 3))) static bool refuse(sbd_arguments *out, const char *format,
                                                         ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(out->problem, sizeof out->problem, format, args);
    va_end(args);
    out->action = SBD_ACTION_REFUSE;
    return false;
}

/* Digits only, at most max (below 100,000,000). */
static bool parse_number(const char *text, int max, int *out) {
    int number = 0;
    size_t digits = 0;
    for (; text[digits] >= '0' && text[digits] <= '9' && digits < 9; digits++)
        number = number * 10 + (text[digits] - '0');
    if (digits == 0 || text[digits] || number > max)
        return false;
    *out = number;
    return true;
}

/* HOST:PORT, with brackets around a host that has colons itself. */
static bool parse_tcp(sbd_arguments *out, const char *name, const char *value) {
    static const char *const expected = "expected HOST:PORT, with PORT from 0 to 65535";
    const char *colon = strrchr(value, ':');
    int port;
    if (!colon || !parse_number(colon + 1, 65535, &port))
        return refuse(out, "%s %s: %s", name, value, expected);
    const char *host = value;
    size_t len = (size_t)(colon - value);
    if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
        host++;
        len -= 2;
        if (!memchr(host, ':', len))
            return refuse(out, "%s %s: expected an IPv6 address inside the brackets", name, value);
    } else if (memchr(host, ':', len)) {
        return refuse(out, "%s %s: expected brackets around an IPv6 address", name, value);
    }
    if (len == 0 || memchr(host, '[', len) || memchr(host, ']', len))
        return refuse(out, "%s %s: %s", name, value, expected);
    if (len >= sizeof out->tcp_host)
        return refuse(out, "%s: the host is longer than %zu bytes", name, sizeof out->tcp_host - 1);
    memcpy(out->tcp_host, host, len);
    out->tcp_host[len] = '\0';
    out->listener.mode = STDIO_BUS_LISTEN_TCP;
    out->listener.tcp_host = out->tcp_host;
    out->listener.tcp_port = (uint16_t)port;
    return true;
}

static bool parse_level(sbd_arguments *out, const char *value) {
    static const char *const levels[] = {"debug", "info", "warn", "error"};
    for (int i = 0; i < 4; i++) {
        if (strcmp(value, levels[i]) == 0) {
            out->log_level = (stdio_bus_log_level_t)i;
            return true;
        }
    }
    return refuse(out, "--log-level %s: expected debug, info, warn or error", value);
}

static bool parse_value(sbd_arguments *out, option which, const char *value) {
    switch (which) {
    case CONFIG:
        out->config_path = value;
        return true;
    case CONFIG_FD:
        return parse_number(value, 65535, &out->config_fd) ||
               refuse(out, "--config-fd %s: expected the number of an open descriptor", value);
    case HOST_FD:
        return parse_number(value, 65535, &out->host_fd) ||
               refuse(out, "--host-fd %s: expected the number of an open descriptor", value);
    case UNIX:
        out->listener.mode = STDIO_BUS_LISTEN_UNIX;
        out->listener.unix_path = value;
        return true;
    case TCP:
    case PING:
        return parse_tcp(out, options[which].name, value);
    case TOKEN_FILE:
        out->token_path = value;
        return true;
    case LOG_LEVEL:
        return parse_level(out, value);
    default:
        return true;
    }
}

static option find_option(const char *name) {
    int which = 0;
    while (which < OPTION_COUNT && strcmp(options[which].name, name) != 0)
        which++;
    return (option)which;
}

/* What must hold for all options together. */
static bool check_together(sbd_arguments *out, const bool *given, int count) {
    if (given[GUARD])
        return count == 1 || refuse(out, "--guard goes with no other option");
    if (given[PING])
        return count == 2 + 2 * given[TOKEN_FILE] ||
               refuse(out, "--ping goes with no other option but --token-file");
    if (given[CONFIG] + given[CONFIG_FD] + given[HOST_FD] > 1)
        return refuse(out, "--config, --config-fd and --host-fd are mutually exclusive");
    if (!given[CONFIG] && !given[CONFIG_FD] && !given[HOST_FD])
        return refuse(out,
                      "no configuration; expected --config PATH, --config-fd N or --host-fd N");
    if (given[STDIO] + given[UNIX] + given[TCP] > 1)
        return refuse(out, "expected only one of --stdio, --unix and --tcp");
    if (given[TOKEN_FILE] && !given[TCP])
        return refuse(out, "--token-file is for --tcp: %s",
                      given[UNIX] ? "a Unix socket admits only the same user"
                                  : "a client on standard input needs no token");
    if (given[HOST_FD] && given[TOKEN_FILE])
        return refuse(out, "--token-file does not go with --host-fd, which brings the token");
    if (given[HOST_FD] && !given[UNIX] && !given[TCP])
        return refuse(out,
                      "--host-fd is for --tcp and --unix: with --stdio the host is the client");
    int fd = given[HOST_FD] ? out->host_fd : out->config_fd;
    if (fd == 1 || fd == 2)
        return refuse(out, "%s %d is standard %s; expected a descriptor to read from",
                      options[given[HOST_FD] ? HOST_FD : CONFIG_FD].name, fd,
                      fd == 1 ? "output" : "error");
    if (given[CONFIG_FD] && out->config_fd == 0 && !given[CHECK] && !given[UNIX] && !given[TCP])
        return refuse(out, "--config-fd 0 is standard input, which --stdio needs for its client");
    return true;
}

void sbd_arguments_parse(int argc, char **argv, sbd_arguments *out) {
    bool given[OPTION_COUNT] = {false};
    memset(out, 0, sizeof *out);
    out->config_fd = -1;
    out->host_fd = -1;
    out->log_level = STDIO_BUS_LOG_INFO;
    for (int i = 1; i < argc; i++) {
        option which = find_option(argv[i]);
        if (which == HELP || which == VERSION) {
            out->action = which == HELP ? SBD_ACTION_HELP : SBD_ACTION_VERSION;
            return;
        }
        if (which == OPTION_COUNT) {
            refuse(out, "unknown %s %s; --help lists what there is",
                   argv[i][0] == '-' ? "option" : "argument", argv[i]);
            return;
        }
        if (given[which]) {
            refuse(out, "%s is given more than once", argv[i]);
            return;
        }
        given[which] = true;
        if (!options[which].value)
            continue;
        if (i + 1 == argc || argv[i + 1][0] == '\0' || strncmp(argv[i + 1], "--", 2) == 0) {
            refuse(out, "%s: expected %s after it", argv[i], options[which].value);
            return;
        }
        if (!parse_value(out, which, argv[++i]))
            return;
    }
    out->own_group = given[OWN_GROUP];
    if (check_together(out, given, argc - 1))
        out->action = given[GUARD]   ? SBD_ACTION_GUARD
                      : given[PING]  ? SBD_ACTION_PING
                      : given[CHECK] ? SBD_ACTION_CHECK
                                     : SBD_ACTION_RUN;
}
