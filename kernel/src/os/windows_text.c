/* windows_text.c: UTF-8, which the kernel speaks, and UTF-16, which the system speaks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "windows.h"

wchar_t *sb_wide(const char *utf8) {
    int len = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, utf8, -1, NULL, 0);
    wchar_t *wide = len > 0 ? malloc((size_t)len * sizeof *wide) : NULL;
    if (wide)
        MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, utf8, -1, wide, len);
    return wide;
}

/* Half a surrogate pair, which file names may hold, becomes the replacement character. */
char *sb_narrow(const wchar_t *wide) {
    int len = WideCharToMultiByte(CP_UTF8, 0, wide, -1, NULL, 0, NULL, NULL);
    char *utf8 = len > 0 ? malloc((size_t)len) : NULL;
    if (utf8)
        WideCharToMultiByte(CP_UTF8, 0, wide, -1, utf8, len, NULL, NULL);
    return utf8;
}

/* The system ends its sentences with a full stop and a line break. */
const char *sb_os_error_text(int error, char *buf, size_t len) {
    wchar_t wide[256];
    DWORD count = FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL,
                                 (DWORD)error, 0, wide, 256, NULL);
    while (count > 0 && (wide[count - 1] <= L' ' || wide[count - 1] == L'.'))
        count--;
    wide[count < 256 ? count : 255] = L'\0';
    char *text = count ? sb_narrow(wide) : NULL;
    if (text)
        snprintf(buf, len, "%s", text);
    else
        snprintf(buf, len, "error %d", error);
    free(text);
    return buf;
}
