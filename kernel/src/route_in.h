/* route_in.h: a message on its way in, as the files of the router hand it on. */
#ifndef SB_ROUTE_IN_H
#define SB_ROUTE_IN_H

#include "annotation.h"
#include "bus.h"

typedef struct sb_incoming {
    sb_bus *bus;
    sb_conn *conn;
    const stdio_bus_route_t *route; /* NULL: none */
    const sb_beside *beside;        /* where that stood in the line itself; NULL: it did not */
    const char *msg;
    size_t len;
    sb_scan scan;
    bool verbatim, is_request;
    bool many_lines;     /* has line breaks between its tokens */
    bool answer_null_id; /* errors do not repeat the id */

    sb_pool *pool;
    bool pool_named;
    sb_worker *worker; /* NULL after choosing: it waits in the pool */
    bool pinned;
    sb_session *session;
    sb_text name; /* of the session, decoded */
    size_t name_len;
    bool opens;     /* the session is opened if it is new */
    bool enveloped; /* it stood at the top level */
    bool moot;      /* there is nobody left that it could be for */
    sb_key id_key;  /* of a request's id, unless it had to be written another way */
    sb_edits edits;
} sb_incoming;

/* Answers a request with an error (0), or counts and reports a notification or an answer (a
 * code). `more`: see sb_fault. */
int sb_refuse(sb_incoming *in, int code, const char *message, const char *reason, const char *more);
/* Of a limit that is reached: its name and its value. */
int sb_refuse_full(sb_incoming *in, const char *which, uint64_t limit);
/* Of a pool none of whose workers will run. */
int sb_refuse_no_worker(sb_incoming *in);
/* For text that is no message: an error to a client or a wired host, on_error for another one. */
int sb_refuse_invalid(sb_incoming *in, int code, const char *message, const char *reason);
/* For a line over max_input_buffer. */
void sb_refuse_too_long(sb_bus *bus, sb_conn *conn);
/* Notes the session's name: the route's, else the top-level one, else params.sessionId, which
 * alone never opens a session by itself: in->opens. */
void sb_name_session(sb_incoming *in);
/* Finds pool and session and chooses the worker; that stays NULL when the message is to wait in
 * the pool. 1 when refused with *code. */
int sb_locate(sb_incoming *in, int *code);
/* Takes the envelope off where the pool wants that. 1 when refused with *code: of a member that is
 * given twice only one could go. */
int sb_strip_envelope(sb_incoming *in, int *code);
/* Queues the message with its edits as one line. False without memory. */
bool sb_write_incoming(sb_incoming *in, sb_worker *w);
/* Sends an answer to the worker that asked. */
int sb_route_answer(sb_incoming *in);
/* A notification about a request in flight (cancelled, progress) goes where that request is, with
 * the id or token under which the worker knows it. Where no worker has it, it is moot. */
void sb_find_named_call(sb_incoming *in);

#endif
