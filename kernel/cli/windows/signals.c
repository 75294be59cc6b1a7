/* signals.c: what the console tells, on a thread of the system's. */
#define WIN32_LEAN_AND_MEAN
#include "signals.h"

#include <signal.h>
#include <stdatomic.h>
#include <windows.h>

#include "console.h"
#include "news.h"
#include "stream.h"

static atomic_int interrupts, ends;

/* The system ends the process when this returns from a closed console or the end of the session;
 * until then there are some seconds for an orderly end. */
static BOOL WINAPI on_event(DWORD event) {
    bool interrupt = event == CTRL_C_EVENT || event == CTRL_BREAK_EVENT;
    atomic_fetch_add(interrupt ? &interrupts : &ends, 1);
    sbd_news_tell();
    if (!interrupt)
        Sleep(INFINITE);
    return TRUE;
}

/* A process that was started in a group of its own ignores Ctrl+C until it says otherwise. */
int sbd_signals_open(bool with_interrupt) {
    SetConsoleCtrlHandler(NULL, !with_interrupt || sbd_process_has_left_group());
    return SetConsoleCtrlHandler(on_event, TRUE) ? 0 : -1;
}

static bool take(atomic_int *count) {
    int now = atomic_load(count);
    while (now > 0)
        if (atomic_compare_exchange_weak(count, &now, now - 1))
            return true;
    return false;
}

int sbd_signals_next(int fd) {
    (void)fd;
    if (take(&ends))
        return SIGTERM;
    return take(&interrupts) ? SIGINT : 0;
}

bool sbd_signals_waiting(void) {
    return atomic_load(&ends) > 0 || atomic_load(&interrupts) > 0;
}

const char *sbd_signals_name(int number) {
    return number == SIGINT ? "Interrupt" : "Terminated";
}
