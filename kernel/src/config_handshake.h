/* config_handshake.h: what a pool's workers are told before anything else. */
#ifndef SB_CONFIG_HANDSHAKE_H
#define SB_CONFIG_HANDSHAKE_H

#include "config.h"
#include "config_check.h"

/* Reads the array of messages into the pool's `handshake`. */
void sb_config_read_handshake(sb_check *check, const sb_place *place, const sb_value *value,
                              void *into);
void sb_config_free_handshake(sb_pool_config *pool);

#endif
