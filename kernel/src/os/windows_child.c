/* windows_child.c: a worker process: its birth, its end, its job.
 *
 * A job object takes the place of the process group. Whatever the worker starts is in it as well
 * and cannot leave it, and when the last handle to it is closed, which the system does for a host
 * that dies, every process in it is ended.
 */
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/path.h"
#include "windows.h"

enum { EXIT_KILLED = 1, STREAMS = 3, CHILD_IN = 0, CHILD_OUT = 1, CHILD_ERR = 2 };

/* The exit notice, and everything that is known of the process. */
typedef struct process {
    sb_port port;
    HANDLE process, job;
    DWORD pid;
    bool shares_console;
    HANDLE wait;        /* a thread of the system's that waits for the exit; NULL: not begun */
    HANDLE completions; /* where it tells */
    atomic_bool told;   /* the completion is on its way, or has come */
    bool exited;
    sb_operation exit;
} process;

static process *of_port(sb_port *port) {
    return SB_ENTRY(port, process, port);
}

static process *of_child(const sb_child *child) {
    return child->pid > 0 && sb_source_is_open(&child->exit) ? of_port(sb_port_of(&child->exit))
                                                             : NULL;
}

/* --- Exit notice ---------------------------------------------------------------------------------
 */

static void CALLBACK on_exit_seen(void *argument, BOOLEAN timed_out) {
    process *p = argument;
    (void)timed_out;
    atomic_store(&p->told, true);
    PostQueuedCompletionStatus(p->completions, 0, 0, &p->exit.overlapped);
}

static int join(sb_port *port) {
    process *p = of_port(port);
    p->completions = sb_poller_completions(port->poller);
    sb_operation_begin(&p->exit, port, NULL);
    if (RegisterWaitForSingleObject(&p->wait, p->process, on_exit_seen, p, INFINITE,
                                    WT_EXECUTEONLYONCE))
        return 0;
    int error = (int)GetLastError();
    p->wait = NULL;
    sb_operation_withdraw(&p->exit);
    return error;
}

static void begin(sb_port *port) {
    (void)port;
}

static void complete(sb_operation *op, DWORD error, DWORD bytes) {
    (void)error, (void)bytes;
    of_port(op->port)->exited = true;
}

static unsigned ready(const sb_port *port) {
    return SB_ENTRY(port, const process, port)->exited ? SB_READ : 0;
}

/* Waits for a callback that runs just now; afterwards either a completion has been posted or none
 * ever will be. */
static void cancel(sb_port *port, bool at_once) {
    process *p = of_port(port);
    (void)at_once;
    if (!p->wait)
        return;
    UnregisterWaitEx(p->wait, INVALID_HANDLE_VALUE);
    p->wait = NULL;
    if (p->exit.pending && !atomic_load(&p->told))
        sb_operation_withdraw(&p->exit);
}

static void close_handle(HANDLE *handle) {
    if (*handle && *handle != INVALID_HANDLE_VALUE)
        CloseHandle(*handle);
    *handle = NULL;
}

static void release(sb_port *port) {
    process *p = of_port(port);
    close_handle(&p->process);
    close_handle(&p->job);
    free(p);
}

static const sb_port_class process_class = {.complete = complete,
                                            .ready = ready,
                                            .join = join,
                                            .begin = begin,
                                            .cancel = cancel,
                                            .release = release};

/* --- Birth
 * ---------------------------------------------------------------------------------------- */

typedef struct birth {
    const sb_command *command;
    wchar_t *environment, *file, *line, *shell, *cwd;
    HANDLE ours[STREAMS], theirs[STREAMS];
    process *p;
    bool at_cwd;
    const char *refused; /* why the arguments cannot be passed on */
} birth;

/* The host's own standard error, or nowhere when it has none. */
static int share_error_output(HANDLE *theirs) {
    HANDLE self = GetCurrentProcess(), host = GetStdHandle(STD_ERROR_HANDLE);
    if (host && host != INVALID_HANDLE_VALUE &&
        DuplicateHandle(self, host, self, theirs, 0, FALSE, DUPLICATE_SAME_ACCESS))
        return 0;
    *theirs = CreateFileW(L"NUL", GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                          OPEN_EXISTING, 0, NULL);
    return *theirs == INVALID_HANDLE_VALUE ? (int)GetLastError() : 0;
}

static int open_streams(birth *b) {
    int error = sb_pipe_to_child(&b->ours[CHILD_IN], &b->theirs[CHILD_IN]);
    if (!error)
        error = sb_pipe_from_child(&b->ours[CHILD_OUT], &b->theirs[CHILD_OUT]);
    if (!error && b->command->capture_stderr)
        error = sb_pipe_from_child(&b->ours[CHILD_ERR], &b->theirs[CHILD_ERR]);
    else if (!error)
        error = share_error_output(&b->theirs[CHILD_ERR]);
    return error;
}

/* cmd.exe by its own path: %ComSpec% can be anything. */
static int find_shell(wchar_t **shell) {
    static const wchar_t name[] = L"\\cmd.exe";
    UINT size = GetSystemDirectoryW(NULL, 0);
    *shell = size ? malloc(size * sizeof **shell + sizeof name) : NULL;
    if (!*shell)
        return ERROR_NOT_ENOUGH_MEMORY;
    UINT len = GetSystemDirectoryW(*shell, size);
    memcpy(*shell + len, name, sizeof name);
    return 0;
}

static int prepare_command(birth *b) {
    const sb_command *command = b->command;
    wchar_t *host = GetEnvironmentStringsW();
    if (!host)
        return ERROR_NOT_ENOUGH_MEMORY;
    b->environment = sb_environment_merge(host, command->inherit_env, command->env);
    FreeEnvironmentStringsW(host);
    if (!b->environment)
        return ERROR_NO_UNICODE_TRANSLATION;
    b->cwd = command->cwd ? sb_wide(command->cwd) : NULL;
    if (command->cwd && !b->cwd)
        return ERROR_NO_UNICODE_TRANSLATION;
    int error = sb_lookup(command->file, b->environment, &b->file);
    if (error)
        return error;
    if (!sb_is_batch_file(b->file))
        return sb_command_line(command->file, command->args, &b->line, &b->refused);
    error = find_shell(&b->shell);
    return error ? error
                 : sb_batch_command_line(b->shell, b->file, command->args, &b->line, &b->refused);
}

static int make_job(HANDLE *job) {
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {0};
    *job = CreateJobObjectW(NULL, NULL);
    if (!*job)
        return (int)GetLastError();
    limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
    return SetInformationJobObject(*job, JobObjectExtendedLimitInformation, &limits, sizeof limits)
               ? 0
               : (int)GetLastError();
}

/* With the list of what it inherits, everything else that happens to be inheritable in the host
 * stays out. It begins to run only when it is in its job, so that it can start nothing outside. */
static int create_process(birth *b, STARTUPINFOEXW *startup, PROCESS_INFORMATION *made) {
    /* A host without a console would else make a window appear for each worker. */
    DWORD consoles[1];
    b->p->shares_console = GetConsoleProcessList(consoles, 1) > 0;
    DWORD flags = CREATE_SUSPENDED | CREATE_UNICODE_ENVIRONMENT | CREATE_NEW_PROCESS_GROUP |
                  EXTENDED_STARTUPINFO_PRESENT | (b->p->shares_console ? 0 : CREATE_NO_WINDOW);
    if (b->cwd) {
        DWORD attributes = GetFileAttributesW(b->cwd);
        b->at_cwd = true;
        if (attributes == INVALID_FILE_ATTRIBUTES)
            return (int)GetLastError();
        if (!(attributes & FILE_ATTRIBUTE_DIRECTORY))
            return ERROR_DIRECTORY;
        b->at_cwd = false;
    }
    if (!CreateProcessW(b->shell ? b->shell : b->file, b->line, NULL, NULL, TRUE, flags,
                        b->environment, b->cwd, &startup->StartupInfo, made)) {
        int error = (int)GetLastError();
        b->at_cwd = error == ERROR_DIRECTORY;
        return error;
    }
    int error = 0;
    if (!AssignProcessToJobObject(b->p->job, made->hProcess) ||
        ResumeThread(made->hThread) == (DWORD)-1) {
        error = (int)GetLastError();
        TerminateProcess(made->hProcess, EXIT_KILLED);
        CloseHandle(made->hProcess);
    }
    CloseHandle(made->hThread);
    return error;
}

/* The child's ends become inheritable for the moment only: a process that another thread of the
 * host starts without such a list takes everything that is inheritable with it. */
static int give_birth(birth *b, PROCESS_INFORMATION *made) {
    STARTUPINFOEXW startup = {.StartupInfo = {.cb = sizeof startup,
                                              .dwFlags = STARTF_USESTDHANDLES,
                                              .hStdInput = b->theirs[CHILD_IN],
                                              .hStdOutput = b->theirs[CHILD_OUT],
                                              .hStdError = b->theirs[CHILD_ERR]}};
    SIZE_T size = 0;
    InitializeProcThreadAttributeList(NULL, 1, 0, &size);
    startup.lpAttributeList = malloc(size);
    if (!startup.lpAttributeList)
        return ERROR_NOT_ENOUGH_MEMORY;
    int error = 0;
    if (!InitializeProcThreadAttributeList(startup.lpAttributeList, 1, 0, &size)) {
        error = (int)GetLastError();
        free(startup.lpAttributeList);
        return error;
    }
    for (int i = 0; i < STREAMS && !error; i++)
        if (!SetHandleInformation(b->theirs[i], HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT))
            error = (int)GetLastError();
    if (!error &&
        !UpdateProcThreadAttribute(startup.lpAttributeList, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST,
                                   b->theirs, sizeof b->theirs, NULL, NULL))
        error = (int)GetLastError();
    if (!error)
        error = create_process(b, &startup, made);
    DeleteProcThreadAttributeList(startup.lpAttributeList);
    free(startup.lpAttributeList);
    return error;
}

/* What went wrong, in words that name the file and the folder that were tried. */
static void explain(const birth *b, int error, char *why, size_t len) {
    const char *file = b->command->file;
    char text[256];
    sb_os_error_text(error, text, sizeof text);
    if (b->refused)
        snprintf(why, len, "cannot execute '%s': %s", file, b->refused);
    else if (b->at_cwd)
        snprintf(why, len, "cannot enter the working directory '%s': %s", b->command->cwd, text);
    else if (!b->file && !sb_path_has_separator(file))
        snprintf(why, len, "cannot execute '%s': %s (looked up on PATH)", file, text);
    else
        snprintf(why, len, "cannot execute '%s': %s", file, text);
}

static int give_streams(birth *b, sb_child *child) {
    sb_source *sources[STREAMS] = {&child->in, &child->out, &child->err};
    int error = 0;
    for (int i = 0; i < STREAMS; i++) {
        if (!b->ours[i] || b->ours[i] == INVALID_HANDLE_VALUE || error)
            continue;
        error = sb_stream_open(b->ours[i], SB_STREAM_PIPE, sources[i]);
        b->ours[i] = NULL; /* taken over, also when that failed */
    }
    return error;
}

static int start(birth *b, sb_child *child) {
    PROCESS_INFORMATION made = {0};
    b->p = calloc(1, sizeof *b->p);
    if (!b->p)
        return ERROR_NOT_ENOUGH_MEMORY;
    sb_port_init(&b->p->port, &process_class);
    int error = prepare_command(b);
    if (!error)
        error = open_streams(b);
    if (!error)
        error = make_job(&b->p->job);
    if (!error)
        error = give_birth(b, &made);
    if (error)
        return error;
    b->p->process = made.hProcess;
    b->p->pid = made.dwProcessId;
    error = give_streams(b, child);
    if (error)
        return error; /* closing its job ends it */
    child->pid = made.dwProcessId;
    sb_port_give(&b->p->port, &child->exit);
    b->p = NULL;
    return 0;
}

static void free_birth(birth *b) {
    for (int i = 0; i < STREAMS; i++) {
        close_handle(&b->ours[i]);
        close_handle(&b->theirs[i]);
    }
    if (b->p)
        release(&b->p->port);
    free(b->environment);
    free(b->file);
    free(b->line);
    free(b->shell);
    free(b->cwd);
}

int sb_spawn(const sb_command *command, sb_child *child, char *why, size_t why_len) {
    *child = (sb_child){.in = SB_SOURCE_CLOSED,
                        .out = SB_SOURCE_CLOSED,
                        .err = SB_SOURCE_CLOSED,
                        .exit = SB_SOURCE_CLOSED};
    birth b = {.command = command};
    /* Nothing is meant to outlive its host here: see sb_children_end_with_host(). */
    int error = command->outlives_host ? ERROR_NOT_SUPPORTED : start(&b, child);
    if (error) {
        explain(&b, error, why, why_len);
        sb_source_close(NULL, &child->in);
        sb_source_close(NULL, &child->out);
        sb_source_close(NULL, &child->err);
    }
    free_birth(&b);
    return error;
}

bool sb_children_end_with_host(void) {
    return true;
}

/* --- End
 * ------------------------------------------------------------------------------------------ */

/* A console in common is the only way to ask a process for anything. Where there is none, the end
 * of its input was all that it hears before it is killed. */
void sb_child_terminate(const sb_child *child) {
    const process *p = of_child(child);
    if (p && p->shares_console)
        GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT, p->pid);
}

void sb_child_kill(const sb_child *child) {
    const process *p = of_child(child);
    if (p)
        TerminateJobObject(p->job, EXIT_KILLED);
}

bool sb_child_reap(sb_poller *poller, sb_child *child, sb_exit *out) {
    process *p = of_child(child);
    *out = (sb_exit){.code = -1};
    if (!p)
        return true;
    if (WaitForSingleObject(p->process, 0) == WAIT_TIMEOUT)
        return false;
    sb_child_kill(child); /* what it has left behind */
    DWORD code;
    if (GetExitCodeProcess(p->process, &code)) {
        out->known = true;
        out->code = (int)code;
    }
    child->pid = 0;
    sb_source_close(poller, &child->exit);
    return true;
}

void sb_child_wait(const sb_child *child, int timeout_ms) {
    const process *p = of_child(child);
    if (p)
        WaitForSingleObject(p->process, timeout_ms < 0 ? INFINITE : (DWORD)timeout_ms);
}

bool sb_child_is_suspended(const sb_child *child, int *signal) {
    (void)child, (void)signal;
    return false;
}
