/* console.c: see console.h. */
#include "console.h"

enum { UNITS = 4096, CTRL_Z = 0x1A, MOST_BYTES = 3 /* of UTF-8 a unit of UTF-16 */ };

bool sbd_console_is(HANDLE handle) {
    DWORD mode;
    return GetConsoleMode(handle, &mode) != 0;
}

static bool is_first_half(wchar_t c) {
    return c >= 0xD800 && c <= 0xDBFF;
}

bool sbd_console_read(HANDLE handle, char *into, size_t room, DWORD *len) {
    wchar_t units[UNITS];
    DWORD most = room / MOST_BYTES < UNITS ? (DWORD)(room / MOST_BYTES) : UNITS, count = 0;
    *len = 0;
    /* One unit is kept free for the second half of a pair. */
    if (!ReadConsoleW(handle, units, most - 1, &count, NULL))
        return false;
    if (count == 0 || units[0] == CTRL_Z)
        return true;
    DWORD second = 0;
    if (is_first_half(units[count - 1]) && ReadConsoleW(handle, units + count, 1, &second, NULL))
        count += second;
    int bytes = WideCharToMultiByte(CP_UTF8, 0, units, (int)count, into, (int)room, NULL, NULL);
    *len = (DWORD)bytes;
    return bytes > 0;
}

/* The length without an incomplete character at the end. */
static size_t whole_characters(const char *p, size_t len) {
    for (size_t back = 1; back <= 3 && back <= len; back++) {
        unsigned char c = (unsigned char)p[len - back];
        if (c < 0x80)
            break;
        size_t wanted = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 0;
        if (wanted)
            return wanted > back ? len - back : len;
    }
    return len;
}

bool sbd_console_write(HANDLE handle, const char *from, size_t len, DWORD *written) {
    wchar_t units[UNITS];
    size_t part = whole_characters(from, len < UNITS ? len : UNITS);
    if (part == 0)
        part = len; /* no UTF-8: it is shown as it is */
    int count = MultiByteToWideChar(CP_UTF8, 0, from, (int)part, units, UNITS);
    *written = (DWORD)part;
    for (DWORD done = 0, n; done < (DWORD)count; done += n)
        if (!WriteConsoleW(handle, units + done, (DWORD)count - done, &n, NULL))
            return false;
    return true;
}
