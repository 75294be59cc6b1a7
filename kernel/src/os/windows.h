/* windows.h: what the parts of the Windows port share among themselves.
 *
 * Windows completes operations where the kernel asks for readiness. So behind every source stands
 * a `sb_port`: a stream, a listener or a process. It has started its next operation ahead of time
 * (a read into a buffer of its own, the acceptance of a client, the wait for the exit), and the
 * source is ready when there is something to take. A port that is closed lives on until the last of
 * its operations has been taken off the completion port: until then the system may write into its
 * OVERLAPPED structures and buffers.
 */
#ifndef SB_WINDOWS_H
#define SB_WINDOWS_H

#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
/* winsock2.h comes before windows.h, which would else bring its predecessor. */
#include <winsock2.h>
/* */
#include <windows.h>

#include "list.h"
#include "os.h"

typedef struct sb_port sb_port;

/* Something that was begun and whose completion will come. The OVERLAPPED is first, since its
 * address is all that comes back. */
typedef struct sb_operation {
    OVERLAPPED overlapped;
    sb_port *port;
    HANDLE handle; /* of what it is done to; NULL: it is only posted */
    bool pending;  /* its completion has not been taken yet */
} sb_operation;

typedef struct sb_port_class {
    /* `error` is a Windows error number, 0: success. Not called once the port is closed. */
    void (*complete)(sb_operation *op, DWORD error, DWORD bytes);
    /* SB_READ, SB_WRITE and SB_HANGUP as they are now, whatever is watched. */
    unsigned (*ready)(const sb_port *port);
    /* Called when the port gets its poller: 0 or a Windows error number. */
    int (*join)(sb_port *port);
    /* Called when somebody wants to read: begins what makes it readable. */
    void (*begin)(sb_port *port);
    /* Of listeners: see sb_accept(). */
    sb_accept_result (*accept)(sb_port *port, sb_source *out, char *peer, size_t room);
    /* Ends every operation that nobody needs any more; `at_once`: all of them. */
    void (*cancel)(sb_port *port, bool at_once);
    /* Closes the handles and frees the memory; nothing is pending any more. */
    void (*release)(sb_port *port);
} sb_port_class;

struct sb_port {
    const sb_port_class *class;
    sb_poller *poller; /* NULL until it is watched for the first time */
    sb_source *source; /* where the kernel keeps it; NULL once closed */
    sb_link ready_link, closed_link;
    unsigned interest;
    unsigned pending; /* operations */
};

/* --- windows.c ------------------------------------------------------------------------------ */

void sb_port_init(sb_port *port, const sb_port_class *class);
/* Makes `s` stand for the port. */
void sb_port_give(sb_port *port, sb_source *s);
static inline sb_port *sb_port_of(const sb_source *s) {
    return s->port;
}
/* Before an operation is begun; taken back when it could not be, or was done at once and will send
 * no completion. */
void sb_operation_begin(sb_operation *op, sb_port *port, HANDLE handle);
void sb_operation_withdraw(sb_operation *op);
/* Whenever what the class calls ready may have changed. */
void sb_port_changed(sb_port *port);
/* Takes every completion that has come, without waiting. */
void sb_poller_collect(sb_poller *p);
HANDLE sb_poller_completions(const sb_poller *p);

/* --- windows_text.c ------------------------------------------------------------------------- */

/* To be freed; NULL without memory or when the text is not valid UTF-8 or UTF-16. */
wchar_t *sb_wide(const char *utf8);
char *sb_narrow(const wchar_t *wide);

/* --- windows_stream.c ----------------------------------------------------------------------- */

typedef enum sb_stream_kind {
    SB_STREAM_SOCKET,
    SB_STREAM_PIPE,
    SB_STREAM_JOINED_PIPE /* with the completion port already, as a listener's are */
} sb_stream_kind;

/* Takes over a handle opened for overlapped input and output, also when it fails. 0 or a Windows
 * error number. */
int sb_stream_open(HANDLE handle, sb_stream_kind kind, sb_source *s);

/* --- windows_pipe.c ------------------------------------------------------------------------- */

/* A pipe between us, overlapped and not inherited, and a child, which gets an ordinary end. The
 * child's end becomes inheritable only when it is born. */
int sb_pipe_to_child(HANDLE *ours, HANDLE *theirs);
int sb_pipe_from_child(HANDLE *ours, HANDLE *theirs);
/* Whether `path` names a pipe: it begins with \\.\pipe\ . */
bool sb_pipe_is_name(const char *path);
int sb_pipe_listen(const char *name, sb_source *s, char *why, size_t why_len);

/* --- windows_user.c ------------------------------------------------------------------------- */

/* A security descriptor, to be freed with LocalFree(), that lets in this process's user and nobody
 * else. */
int sb_user_only(SECURITY_ATTRIBUTES *attributes);
/* Whether a process belongs to this process's user. */
bool sb_user_owns_process(DWORD pid);

/* --- windows_environment.c ------------------------------------------------------------------ */

/* The sorted block of a child's variables: the host's when `inherit`, with `over` laid over them.
 * Names are compared without regard to case, as the system does. To be freed; NULL without memory
 * or when something is not valid UTF-8. */
wchar_t *sb_environment_merge(const wchar_t *host, bool inherit, char *const *over);
/* The value of a variable in such a block, or NULL. */
const wchar_t *sb_environment_find(const wchar_t *block, const wchar_t *name);

/* --- windows_lookup.c ----------------------------------------------------------------------- */

/* The file of a command, absolute: what has a separator as it stands or with an extension of
 * PATHEXT; a bare name in the folders of PATH. 0, or a Windows error number and *found NULL. */
int sb_lookup(const char *file, const wchar_t *environment, wchar_t **found);

/* --- windows_command_line.c ------------------------------------------------------------------ */

/* Batch files are run by cmd.exe, which reads its command line by rules of its own. */
bool sb_is_batch_file(const wchar_t *path);
/* The command line of a program, from which CommandLineToArgvW() makes the arguments again. Both
 * return 0 and a text to be freed, or an error number with *refused (a text that is not freed)
 * telling why arguments cannot be passed on, NULL when memory was short. */
int sb_command_line(const char *command, char *const *args, wchar_t **line, const char **refused);
/* The command line of a batch file for the cmd.exe at `shell`. */
int sb_batch_command_line(const wchar_t *shell, const wchar_t *script, char *const *args,
                          wchar_t **line, const char **refused);

#endif
