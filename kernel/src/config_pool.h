/* config_pool.h: the pools of a configuration, as a field of its root. */
#ifndef SB_CONFIG_POOL_H
#define SB_CONFIG_POOL_H

#include "config_check.h"

/* Fills in the pools of the sb_config at `into`; also after an error they are to be freed. */
void sb_config_read_pools(sb_check *check, const sb_place *place, const sb_value *value,
                          void *into);

#endif
