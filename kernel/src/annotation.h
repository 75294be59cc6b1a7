/* annotation.h: connections that asked for it (stdio_bus/annotate) see where each line comes from,
 * in a first member "_bus", and may put the route beside a message in the same way. They are also
 * told what becomes of the workers and of their requests. */
#ifndef SB_ANNOTATION_H
#define SB_ANNOTATION_H

#include "bus.h"
#include "json_value.h"

static inline bool sb_conn_is_annotated(const sb_conn *c) {
    return !sb_list_is_empty(&c->annotated);
}
void sb_annotation_begin(sb_bus *bus, sb_conn *c, int log_level);
void sb_annotation_end(sb_bus *bus, sb_conn *c);
/* Makes what the worker's lines begin with, once for all of them. False without memory. */
bool sb_annotation_prepare(sb_worker *w);
/* The edits of a line from `from` (NULL: the bus itself) and the annotation before them. */
void sb_annotation_edit(sb_edits *edits, const char *msg, const sb_worker *from);

/* The route that a line from an annotated connection begins with. */
typedef struct sb_beside {
    sb_text msg;  /* the line without it */
    size_t taken; /* how many bytes shorter that is */
    stdio_bus_route_t route;
    bool tell;
    int code; /* 0, or what is wrong with it, and then the line is to be taken as it is */
    char fault[256];
    sb_value_tree tree; /* which the route points into */
} sb_beside;

/* Whether the line begins with a member "_bus"; if so *beside is filled in and to be freed. Only
 * that spelling counts, so that the look at any other line is a short one. */
bool sb_beside_take(sb_beside *beside, const char *msg, size_t len);
void sb_beside_free(sb_beside *beside);

/* A notification of the bus, `stdio_bus/name`. False when it was lost. */
bool sb_notify(sb_bus *bus, sb_conn *c, const char *name, const sb_text *params);
void sb_notify_worker(sb_worker *w, const char *event);
/* The first line of a worker's process that is no message, to all. */
void sb_annotation_note_skipped(sb_worker *w, const char *reason, const char *line, size_t len);
/* To one that begins to listen: such lines, most of which stand at the beginning, before anybody
 * does, and who is being greeted. */
void sb_annotation_catch_up(sb_bus *bus, sb_conn *c);
/* The call was given to a worker. The host may be called back and end the call. */
void sb_notify_placed(sb_bus *bus, const sb_call *call);

#endif
