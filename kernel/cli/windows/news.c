/* news.c: see news.h. */
#define WIN32_LEAN_AND_MEAN
#include "news.h"

#include <stdbool.h>
#include <windows.h>

static SRWLOCK lock = SRWLOCK_INIT;
static CONDITION_VARIABLE changed = CONDITION_VARIABLE_INIT;
static stdio_bus_waker_t *bus_waker;
static bool told;

void sbd_news_wake(stdio_bus_waker_t *waker) {
    AcquireSRWLockExclusive(&lock);
    stdio_bus_waker_t *former = bus_waker;
    bus_waker = waker;
    ReleaseSRWLockExclusive(&lock);
    stdio_bus_waker_release(former);
}

void sbd_news_tell(void) {
    AcquireSRWLockExclusive(&lock);
    told = true;
    stdio_bus_waker_wake(bus_waker);
    ReleaseSRWLockExclusive(&lock);
    WakeConditionVariable(&changed);
}

void sbd_news_wait(int timeout_ms) {
    ULONGLONG end = GetTickCount64() + (ULONGLONG)(timeout_ms > 0 ? timeout_ms : 0);
    AcquireSRWLockExclusive(&lock);
    while (!told) {
        ULONGLONG now = GetTickCount64();
        DWORD left = timeout_ms < 0 ? INFINITE : now < end ? (DWORD)(end - now) : 0;
        if (left == 0 || !SleepConditionVariableSRW(&changed, &lock, left, 0))
            break;
    }
    told = false;
    ReleaseSRWLockExclusive(&lock);
}
