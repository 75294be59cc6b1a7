/* news.h: how the threads that wait for the standard streams tell the daemon that something has
 * happened: they wake the bus while it runs, and end sbd_news_wait() when it does not. */
#ifndef SBD_NEWS_H
#define SBD_NEWS_H

#include "stdio_bus.h"

/* The bus to wake. Takes over a reference to its waker. */
void sbd_news_wake(stdio_bus_waker_t *waker);
/* Any thread. */
void sbd_news_tell(void);
/* Until something was told since the last wait, or the time is up. */
void sbd_news_wait(int timeout_ms);

#endif
