/* session.h: which worker a session is bound to, and who owns it. */
#ifndef SB_SESSION_H
#define SB_SESSION_H

#include "bus.h"

/* The session of that name in the pool; with pool NULL in the first pool that has one. */
sb_session *sb_session_find(sb_bus *bus, const sb_pool *pool, const char *name, size_t len);
/* Finds or makes it. NULL when max_sessions are all busy, or without memory. */
sb_session *sb_session_open(sb_bus *bus, sb_pool *pool, const char *name, size_t len);
void sb_session_bind(sb_session *s, sb_worker *w);
/* It binds anew at its next use. */
void sb_session_unbind(sb_session *s);
/* The connection owns it from now on, unless another one that still lives does. */
void sb_session_claim(sb_bus *bus, sb_session *s, const sb_conn *conn, bool enveloped);
/* The living owner, or NULL. */
sb_conn *sb_session_owner(sb_bus *bus, const sb_session *s);
/* A session that is kept is not forgotten; each keep is paired with a release. */
void sb_session_keep(sb_session *s);
void sb_session_release(sb_bus *bus, sb_session *s);
void sb_sessions_free(sb_bus *bus);

#endif
