#include "decline.h"

#include "conn.h"
#include "worker.h"

static bool is_declining(const sb_bond *bond) {
    return !sb_list_is_empty(&bond->declining);
}

/* Somebody has a request in flight there and takes the answer, or the bus itself: the handshake. */
static bool somebody_waits(const sb_worker *w) {
    if (w->state == STDIO_BUS_WORKER_STARTING)
        return true;
    for (const sb_link *at = w->busy.next; at != &w->busy; at = at->next)
        if (!is_declining(SB_ENTRY(at, sb_bond, busy)))
            return true;
    return false;
}

void sb_decline_review(sb_worker *w) {
    bool pause = !sb_list_is_empty(&w->decliners) && !somebody_waits(w);
    if (pause == ((w->paused & SB_PAUSE_DECLINED) != 0))
        return;
    if (pause)
        sb_worker_pause(w, SB_PAUSE_DECLINED);
    else
        sb_worker_resume(w, SB_PAUSE_DECLINED);
}

bool sb_decline_begin(sb_conn *c, sb_worker *w) {
    sb_bond *bond = sb_bond_make(c, w);
    if (!bond)
        return false;
    if (!is_declining(bond))
        sb_list_append(&w->decliners, &bond->declining);
    sb_decline_review(w);
    return true;
}

void sb_decline_end(sb_conn *c, sb_worker *w) {
    size_t at = (size_t)w->id;
    sb_bond *bond = at < c->by_worker_cap ? c->by_worker[at] : NULL;
    if (!bond || !is_declining(bond))
        return;
    sb_list_remove(&bond->declining);
    sb_decline_review(w);
}

void sb_decline_forget(sb_worker *w) {
    while (!sb_list_is_empty(&w->decliners))
        sb_list_remove(w->decliners.next);
    sb_decline_review(w);
}
