/* console.h: consoles speak UTF-16, whatever their code page is. */
#ifndef SBD_CONSOLE_H
#define SBD_CONSOLE_H

#define WIN32_LEAN_AND_MEAN
#include <stdbool.h>
#include <stddef.h>
#include <windows.h>

/* process.c: whether Ctrl+C at the console is for others. */
bool sbd_process_has_left_group(void);
bool sbd_console_is(HANDLE handle);
/* Reads UTF-8. False with GetLastError() set; *len is 0 at the end (Ctrl+Z at the start of a
 * line). */
bool sbd_console_read(HANDLE handle, char *into, size_t room, DWORD *len);
/* Writes UTF-8 up to its last whole character; *written may be less than len by up to three
 * bytes. */
bool sbd_console_write(HANDLE handle, const char *from, size_t len, DWORD *written);

#endif
