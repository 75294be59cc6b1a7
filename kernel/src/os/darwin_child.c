/* darwin_child.c: the birth of a worker process.
 *
 * posix_spawn(2) is one call into the system here, not fork and exec: the new process runs nothing
 * of the host, and a host of many gigabytes starts a worker as fast as a small one. There is no
 * signal to a child at the death of its parent; the guard does that job. The child runs the command
 * at once, so it is announced by its parent only, right after.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <unistd.h>

#include "posix.h"

/* With POSIX_SPAWN_CLOEXEC_DEFAULT the child has the descriptors that these actions make, and no
 * other. They are carried out in this order, before the file is looked up. */
static int fill_actions(posix_spawn_file_actions_t *actions, const sb_launch *l) {
    int error = posix_spawn_file_actions_adddup2(actions, l->in, STDIN_FILENO);
    if (!error)
        error = posix_spawn_file_actions_adddup2(actions, l->out, STDOUT_FILENO);
    if (!error && l->err >= 0)
        error = posix_spawn_file_actions_adddup2(actions, l->err, STDERR_FILENO);
    if (!error && l->err < 0 && fcntl(STDERR_FILENO, F_GETFD) >= 0)
        error = posix_spawn_file_actions_addinherit_np(actions, STDERR_FILENO);
    if (!error && l->cwd)
        error = posix_spawn_file_actions_addchdir_np(actions, l->cwd);
    return error;
}

/* A group of its own (0: led by the child), or a session, no signal blocked, each at its default:
 * exec resets the handlers of the host, but what the host ignores would stay ignored. SIGKILL and
 * SIGSTOP have no other disposition, and asking for it is an error. */
static int fill_attributes(posix_spawnattr_t *attributes, bool own_session) {
    sigset_t none, all;
    short leads = own_session ? POSIX_SPAWN_SETSID : POSIX_SPAWN_SETPGROUP;
    sigemptyset(&none);
    sigfillset(&all);
    sigdelset(&all, SIGKILL);
    sigdelset(&all, SIGSTOP);
    int error =
        posix_spawnattr_setflags(attributes, POSIX_SPAWN_CLOEXEC_DEFAULT | leads |
                                                 POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    if (!error && !own_session)
        error = posix_spawnattr_setpgroup(attributes, 0);
    if (!error)
        error = posix_spawnattr_setsigmask(attributes, &none);
    if (!error)
        error = posix_spawnattr_setsigdefault(attributes, &all);
    return error;
}

/* posix_spawn() returns one number for whatever failed; asked before, the folder can be told apart
 * from the command. */
static int check_folder(const char *cwd) {
    struct stat st;
    if (stat(cwd, &st) != 0)
        return errno;
    if (!S_ISDIR(st.st_mode))
        return ENOTDIR;
    return faccessat(AT_FDCWD, cwd, X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

/* It returns an error number, not -1, and then there is no process. Once it returns 0 the child has
 * executed the file. */
static int try_paths(sb_launch *l, pid_t *pid, const posix_spawn_file_actions_t *actions,
                     const posix_spawnattr_t *attributes) {
    int worst = ENOENT;
    for (char **path = l->paths; *path; path++) {
        int error = posix_spawn(pid, *path, actions, attributes, l->argv, l->envp);
        if (error == ENOEXEC) {
            l->shell_argv[1] = *path;
            error = posix_spawn(pid, l->shell_argv[0], actions, attributes, l->shell_argv, l->envp);
        }
        if (error == 0)
            return 0;
        /* As the shell does: a file that may not be run is remembered, the search goes on. */
        if (error == EACCES)
            worst = EACCES;
        else if (error != ENOENT && error != ENOTDIR)
            return error;
    }
    return worst;
}

int sb_launch_birth(sb_launch *launch, pid_t *pid, bool *at_cwd) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int error = launch->cwd ? check_folder(launch->cwd) : 0;
    if (error) {
        *at_cwd = true;
        return error;
    }
    error = posix_spawn_file_actions_init(&actions);
    if (error)
        return error;
    error = posix_spawnattr_init(&attributes);
    if (!error) {
        error = fill_actions(&actions, launch);
        if (!error)
            error = fill_attributes(&attributes, launch->outlives_host);
        if (!error)
            error = try_paths(launch, pid, &actions, &attributes);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return error;
}
