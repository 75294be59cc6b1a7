/* windows_lookup.c: from a command to the file that is run. The system's own search is not used: it
 * looks into the current folder first, and knows no extension but .exe. */
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "os/path.h"
#include "windows.h"

/* What can be run. PATHEXT tells in which order they are tried; its other extensions name
 * documents. */
static const wchar_t *const runnable[] = {L".com", L".exe", L".bat", L".cmd"};
static const wchar_t DEFAULT_EXTENSIONS[] = L".COM;.EXE;.BAT;.CMD";

static bool is_runnable(const wchar_t *extension, size_t len) {
    for (size_t i = 0; i < sizeof runnable / sizeof *runnable; i++)
        if (wcslen(runnable[i]) == len && _wcsnicmp(runnable[i], extension, len) == 0)
            return true;
    return false;
}

static bool is_file(const wchar_t *path) {
    DWORD attributes = GetFileAttributesW(path);
    return attributes != INVALID_FILE_ATTRIBUTES && !(attributes & FILE_ATTRIBUTE_DIRECTORY);
}

/* The next entry of a list; false at its end. Quotes around an entry are taken off. */
static bool next_entry(const wchar_t **list, const wchar_t **entry, size_t *len) {
    while (**list == L';')
        ++*list;
    if (!**list)
        return false;
    *entry = *list;
    bool quoted = false;
    for (; **list && (quoted || **list != L';'); ++*list)
        if (**list == L'"')
            quoted = !quoted;
    *len = (size_t)(*list - *entry);
    if (*len >= 2 && (*entry)[0] == L'"' && (*entry)[*len - 1] == L'"') {
        ++*entry;
        *len -= 2;
    }
    return true;
}

/* `path` has room for an extension behind its end. */
static bool try_extensions(wchar_t *path, const wchar_t *extensions) {
    wchar_t *end = path + wcslen(path);
    const wchar_t *extension;
    size_t len;
    while (next_entry(&extensions, &extension, &len)) {
        if (!is_runnable(extension, len))
            continue;
        memcpy(end, extension, len * sizeof *end);
        end[len] = L'\0';
        if (is_file(path))
            return true;
    }
    *end = L'\0';
    return false;
}

static bool has_extension(const wchar_t *file) {
    const wchar_t *dot = wcsrchr(file, L'.');
    return dot && dot[1] && !wcspbrk(dot, L"/\\");
}

/* In one folder (none: where the file says) and, when it has an extension, as it stands first. */
static bool try_folder(wchar_t *path, const wchar_t *folder, size_t folder_len, const wchar_t *file,
                       const wchar_t *extensions) {
    memcpy(path, folder, folder_len * sizeof *path);
    if (folder_len && !wcschr(L"/\\", path[folder_len - 1]))
        path[folder_len++] = L'\\';
    wcscpy(path + folder_len, file);
    return (has_extension(file) && is_file(path)) || try_extensions(path, extensions);
}

static int make_absolute(const wchar_t *path, wchar_t **found) {
    DWORD size = GetFullPathNameW(path, 0, NULL, NULL);
    *found = size ? malloc(size * sizeof **found) : NULL;
    if (!*found)
        return size ? ERROR_NOT_ENOUGH_MEMORY : (int)GetLastError();
    GetFullPathNameW(path, size, *found, NULL);
    return 0;
}

int sb_lookup(const char *file, const wchar_t *environment, wchar_t **found) {
    *found = NULL;
    wchar_t *wide = sb_wide(file);
    if (!wide)
        return ERROR_NO_UNICODE_TRANSLATION;
    const wchar_t *extensions = sb_environment_find(environment, L"PATHEXT");
    const wchar_t *search = sb_environment_find(environment, L"PATH");
    if (!extensions || !*extensions)
        extensions = DEFAULT_EXTENSIONS;
    search = search ? search : L"";
    wchar_t *path = malloc((wcslen(search) + wcslen(wide) + wcslen(extensions) + 2) * sizeof *path);
    int error = path ? ERROR_FILE_NOT_FOUND : ERROR_NOT_ENOUGH_MEMORY;
    const wchar_t *folder;
    size_t len;
    if (path && sb_path_has_separator(file)) {
        /* A program need not have an extension; one beside it that has goes first. */
        if (try_folder(path, L"", 0, wide, extensions) || is_file(path))
            error = make_absolute(path, found);
    } else if (path) {
        while (error == ERROR_FILE_NOT_FOUND && next_entry(&search, &folder, &len))
            if (len && try_folder(path, folder, len, wide, extensions))
                error = make_absolute(path, found);
    }
    free(path);
    free(wide);
    return error;
}
