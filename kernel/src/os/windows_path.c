/* windows_path.c: paths with drives and with slashes of either kind; files by their UTF-8 names. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/path.h"
#include "windows.h"

static bool is_slash(char c) {
    return c == '/' || c == '\\';
}

static bool has_drive(const char *path) {
    return ((path[0] >= 'a' && path[0] <= 'z') || (path[0] >= 'A' && path[0] <= 'Z')) &&
           path[1] == ':';
}

/* C:\folder and \\server\share. What lacks a drive, or a folder on it, depends on the current
 * one. */
bool sb_path_is_absolute(const char *path) {
    return (has_drive(path) && is_slash(path[2])) || (is_slash(path[0]) && is_slash(path[1]));
}

bool sb_path_has_separator(const char *path) {
    return strpbrk(path, "/\\") != NULL || has_drive(path);
}

/* As the system sees it from the current folders; also takes off "." and "..". */
static char *full_path(const char *path) {
    wchar_t *wide = sb_wide(path);
    DWORD size = wide ? GetFullPathNameW(wide, 0, NULL, NULL) : 0;
    wchar_t *full = size ? malloc(size * sizeof *full) : NULL;
    char *utf8 = NULL;
    if (full && GetFullPathNameW(wide, size, full, NULL) < size)
        utf8 = sb_narrow(full);
    free(full);
    free(wide);
    return utf8;
}

char *sb_path_resolve(const char *base, const char *path) {
    if (sb_path_is_absolute(path))
        return strdup(path);
    if (!base || has_drive(path))
        return full_path(path);
    /* \folder is on the drive of the base. */
    size_t base_len = is_slash(path[0]) ? (has_drive(base) ? 2 : 0) : strlen(base);
    bool slash = base_len > 2 && !is_slash(base[base_len - 1]);
    return sb_path_join(base, base_len, slash ? '\\' : '\0', path);
}

char *sb_path_executable(void) {
    for (DWORD size = 256; size <= 64 * 1024; size *= 2) {
        wchar_t *path = malloc(size * sizeof *path);
        DWORD len = path ? GetModuleFileNameW(NULL, path, size) : 0;
        char *utf8 = len > 0 && len < size ? sb_narrow(path) : NULL;
        free(path);
        if (utf8 || len == 0)
            return utf8;
    }
    return NULL;
}

char *sb_path_folder(const char *path) {
    char *folder = full_path(path);
    if (!folder)
        return NULL;
    char *slash = folder;
    for (char *c = folder; *c; c++)
        if (is_slash(*c))
            slash = c;
    if (slash == folder + 2 && has_drive(folder))
        slash++;
    *slash = '\0';
    return folder;
}

FILE *sb_file_open(const char *path) {
    wchar_t *wide = sb_wide(path);
    FILE *file = wide ? _wfopen(wide, L"rbN") : NULL;
    if (!wide)
        errno = EILSEQ;
    free(wide);
    return file;
}
