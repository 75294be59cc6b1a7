/* posix_launch.c: the arguments, environment and files to try of a child; signal names. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "posix.h"

#ifdef __APPLE__
#include <crt_externs.h> /* environ(7): not for shared libraries, they call _NSGetEnviron() */
#define environ (*_NSGetEnviron())
#else
extern char **environ;
#endif

static const char *find_env(char *const *env, const char *key, size_t key_len) {
    for (; env && *env; env++)
        if (strncmp(*env, key, key_len) == 0 && (*env)[key_len] == '=')
            return *env;
    return NULL;
}

static size_t count(char *const *list) {
    size_t n = 0;
    while (list && list[n])
        n++;
    return n;
}

/* The inherited variables, but for those that `over` has, then `over`. */
static void merge_env(char **out, char *const *inherited, char *const *over) {
    for (char *const *e = inherited; e && *e; e++) {
        const char *equals = strchr(*e, '=');
        if (!equals || !find_env(over, *e, (size_t)(equals - *e)))
            *out++ = *e;
    }
    for (; over && *over; over++)
        *out++ = *over;
    *out = NULL;
}

/* Writes the files to try into `paths` and their text into `text`. */
static void list_paths(char **paths, char *text, const char *file, const char *search) {
    if (strchr(file, '/')) {
        *paths++ = strcpy(text, file);
    } else {
        for (const char *dir = search; dir;) {
            const char *colon = strchr(dir, ':');
            size_t len = colon ? (size_t)(colon - dir) : strlen(dir);
            *paths++ = text;
            /* An empty entry means the working directory. */
            text +=
                len ? sprintf(text, "%.*s/%s", (int)len, dir, file) : sprintf(text, "./%s", file);
            text++;
            dir = colon ? colon + 1 : NULL;
        }
    }
    *paths = NULL;
}

int sb_launch_prepare(sb_launch *launch, const sb_command *command) {
    size_t args = count(command->args);
    char *const *inherited = command->inherit_env ? environ : NULL;
    size_t vars = count(inherited) + count(command->env);
    const char *search = find_env(command->env, "PATH", 4);
    if (!search)
        search = find_env(inherited, "PATH", 4);
    search = search ? search + 5 : "/usr/local/bin:/usr/bin:/bin";
    size_t dirs = 1;
    for (const char *c = search; *c; c++)
        dirs += *c == ':';

    size_t pointers = (args + 2) + (args + 3) + (vars + 1) + (dirs + 1);
    size_t text = strlen(search) + dirs * (strlen(command->file) + 4) + 1;
    char **at = malloc(pointers * sizeof(char *) + text);
    if (!at)
        return ENOMEM;
    launch->block = at;
    launch->cwd = command->cwd;

    launch->argv = at;
    launch->shell_argv = launch->argv + args + 2;
    launch->envp = launch->shell_argv + args + 3;
    launch->paths = launch->envp + vars + 1;

    launch->argv[0] = (char *)command->file;
    launch->shell_argv[0] = (char *)"/bin/sh";
    launch->shell_argv[1] = NULL; /* the script, filled in by the child */
    for (size_t i = 0; i <= args; i++) {
        char *arg = i < args ? command->args[i] : NULL;
        launch->argv[1 + i] = arg;
        launch->shell_argv[2 + i] = arg;
    }
    merge_env(launch->envp, inherited, command->env);
    list_paths(launch->paths, (char *)(launch->paths + dirs + 1), command->file, search);
    return 0;
}

void sb_launch_free(sb_launch *launch) {
    free(launch->block);
    *launch = (sb_launch){0};
}

const char *sb_signal_name(int signal) {
    static const struct {
        int number;
        const char *name;
    } names[] = {
        {SIGHUP, "SIGHUP"},   {SIGINT, "SIGINT"},   {SIGQUIT, "SIGQUIT"}, {SIGILL, "SIGILL"},
        {SIGTRAP, "SIGTRAP"}, {SIGABRT, "SIGABRT"}, {SIGBUS, "SIGBUS"},   {SIGFPE, "SIGFPE"},
        {SIGKILL, "SIGKILL"}, {SIGUSR1, "SIGUSR1"}, {SIGSEGV, "SIGSEGV"}, {SIGUSR2, "SIGUSR2"},
        {SIGPIPE, "SIGPIPE"}, {SIGALRM, "SIGALRM"}, {SIGTERM, "SIGTERM"}, {SIGSTOP, "SIGSTOP"},
        {SIGTSTP, "SIGTSTP"}, {SIGTTIN, "SIGTTIN"}, {SIGTTOU, "SIGTTOU"}, {SIGXCPU, "SIGXCPU"},
        {SIGXFSZ, "SIGXFSZ"}, {SIGSYS, "SIGSYS"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].number == signal)
            return names[i].name;
    return NULL;
}
