#include "settled.h"

#include "annotation.h"
#include "conn.h"

sb_settled sb_settled_take(const sb_call *call) {
    sb_settled settled = {.asker = call->asker, .cookie = call->cookie, .by_name = call->tells};
    if (settled.by_name) {
        sb_text_put(&settled.params, "{\"id\":");
        sb_text_add(&settled.params, call->id.p, call->id.len);
        sb_text_put(&settled.params, "}");
    }
    return settled;
}

void sb_settled_tell(sb_bus *bus, sb_settled *settled) {
    if (settled->cookie && bus->on_settled)
        bus->on_settled(bus, settled->cookie, bus->on_settled_user);
    /* A client that has gone needs to know nothing. */
    sb_conn *asker = settled->by_name ? sb_conn_find(bus, settled->asker) : NULL;
    if (asker && !sb_notify(bus, asker, "settled", &settled->params))
        bus->counters.dropped_notifications++;
    sb_text_free(&settled->params);
}
