/* settled.h: whoever gave a request up is told when it is over at its worker. */
#ifndef SB_SETTLED_H
#define SB_SETTLED_H

#include "bus.h"

/* What is to be told of a call that ends; taken before it is freed, told afterwards, so that the
 * one who is told may do anything. */
typedef struct sb_settled {
    uint64_t asker, cookie;
    bool by_name; /* the asker wants to be told by a notification */
    sb_text params;
} sb_settled;

sb_settled sb_settled_take(const sb_call *call);
void sb_settled_tell(sb_bus *bus, sb_settled *settled);

#endif
