/* windows_command_line.c: arguments as one text. A Windows process is given a command line and
 * takes it apart itself, most of them by the rules of CommandLineToArgvW(), batch files by those of
 * cmd.exe. */
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "windows.h"

enum {
    LONGEST = 32767,      /* of CreateProcess(), with the NUL */
    LONGEST_OF_CMD = 8191 /* of cmd.exe, likewise */
};

static const char TOO_LONG[] = "the command line is longer than the 32767 characters that Windows "
                               "allows";
static const char TOO_LONG_FOR_CMD[] = "the command line is longer than the 8191 characters that "
                                       "cmd.exe allows";
static const char LINE_BREAK[] = "an argument of a batch file holds a line break, which cmd.exe "
                                 "cannot pass on";
static const char BAD_TEXT[] = "an argument is not valid UTF-8";

/* A text that grows. */
typedef struct line {
    wchar_t *p;
    size_t len, cap;
    bool failed;
} line;

static void put(line *l, wchar_t c) {
    if (l->len + 1 >= l->cap && !l->failed) {
        size_t cap = l->cap ? 2 * l->cap : 256;
        wchar_t *p = realloc(l->p, cap * sizeof *p);
        l->failed = !p;
        if (p) {
            l->p = p;
            l->cap = cap;
        }
    }
    if (!l->failed) {
        l->p[l->len++] = c;
        l->p[l->len] = L'\0';
    }
}

static void put_text(line *l, const wchar_t *text) {
    for (; *text; text++)
        put(l, *text);
}

static void put_times(line *l, wchar_t c, size_t times) {
    while (times-- > 0)
        put(l, c);
}

/* --- Programs -----------------------------------------------------------------------------------
 */

/* Backslashes stand for themselves, but for those before a quote: there they are doubled, and one
 * more makes the quote an ordinary character. */
static void put_argument(line *l, const wchar_t *text) {
    if (*text && !wcspbrk(text, L" \t\n\v\"")) {
        put_text(l, text);
        return;
    }
    size_t backslashes = 0;
    put(l, L'"');
    for (; *text; text++) {
        if (*text == L'"')
            put_times(l, L'\\', backslashes + 1);
        put(l, *text);
        backslashes = *text == L'\\' ? backslashes + 1 : 0;
    }
    put_times(l, L'\\', backslashes);
    put(l, L'"');
}

/* The first word has a rule of its own: it ends at the next quote, and backslashes mean nothing. A
 * file name holds no quote. */
static void put_command(line *l, const wchar_t *command) {
    put(l, L'"');
    for (; *command; command++)
        if (*command != L'"')
            put(l, *command);
    put(l, L'"');
}

static int finish(line *l, size_t longest, const char *too_long, wchar_t **out,
                  const char **refused) {
    if (!l->failed && l->len + 1 <= longest) {
        *out = l->p;
        return 0;
    }
    free(l->p);
    *refused = l->failed ? NULL : too_long;
    return l->failed ? ERROR_NOT_ENOUGH_MEMORY : ERROR_FILENAME_EXCED_RANGE;
}

static int refuse(line *l, const char *why, const char **refused) {
    free(l->p);
    *refused = why;
    return ERROR_BAD_ARGUMENTS;
}

int sb_command_line(const char *command, char *const *args, wchar_t **out, const char **refused) {
    line l = {0};
    wchar_t *wide = sb_wide(command);
    if (!wide)
        return refuse(&l, BAD_TEXT, refused);
    put_command(&l, wide);
    free(wide);
    for (; args && *args; args++) {
        wide = sb_wide(*args);
        if (!wide)
            return refuse(&l, BAD_TEXT, refused);
        put(&l, L' ');
        put_argument(&l, wide);
        free(wide);
    }
    return finish(&l, LONGEST, TOO_LONG, out, refused);
}

/* --- Batch files --------------------------------------------------------------------------------
 */

bool sb_is_batch_file(const wchar_t *path) {
    const wchar_t *dot = wcsrchr(path, L'.');
    return dot && (_wcsicmp(dot, L".bat") == 0 || _wcsicmp(dot, L".cmd") == 0);
}

/* Within quotes cmd.exe takes everything literally, & | < > ^ ( ) and, since delayed expansion is
 * off (/v:off), ! too; what is left is
 *
 *   "  which ends the quotes. Written twice it ends and begins them again, with nothing between
 *      that could stand outside of quotes; a program that is given the batch file's %* reads two
 *      quotes within quotes as one, if the backslashes before them are doubled.
 *   %  which begins a variable, also within quotes, and cannot be escaped. It is followed by
 *      %cd:~,%, which is the first no characters of the current folder, that is, nothing: so the
 *      percent sign has no partner and stays what it is. (Such substrings are an extension: /e:on.)
 *
 * A line break would end the command, quotes or not. */
static void put_batch_text(line *l, const wchar_t *text) {
    static const wchar_t nothing[] = L"%cd:~,%";
    size_t backslashes = 0;
    put(l, L'"');
    for (; *text; text++) {
        if (*text == L'%') {
            put(l, L'%');
            put_text(l, nothing);
        } else if (*text == L'"') {
            put_times(l, L'\\', backslashes);
            put_text(l, L"\"\"");
        } else {
            put(l, *text);
        }
        backslashes = *text == L'\\' ? backslashes + 1 : 0;
    }
    put_times(l, L'\\', backslashes);
    put(l, L'"');
}

/* What needs no quotes gets none: a batch file compares its arguments as they are written. */
static bool is_plain(const wchar_t *text) {
    for (const wchar_t *c = text; *c; c++)
        if (!(*c >= L'a' && *c <= L'z') && !(*c >= L'A' && *c <= L'Z') &&
            !(*c >= L'0' && *c <= L'9') && !wcschr(L"-_./:\\@+#", *c))
            return false;
    return *text != L'\0';
}

/* /d: no commands from the registry first; /s: the outer quotes are taken off, and nothing else. */
int sb_batch_command_line(const wchar_t *shell, const wchar_t *script, char *const *args,
                          wchar_t **out, const char **refused) {
    line l = {0};
    put_command(&l, shell);
    put_text(&l, L" /d /e:on /v:off /s /c \"");
    put_batch_text(&l, script);
    for (; args && *args; args++) {
        wchar_t *wide = sb_wide(*args);
        if (!wide || wcspbrk(wide, L"\r\n")) {
            const char *why = wide ? LINE_BREAK : BAD_TEXT;
            free(wide);
            return refuse(&l, why, refused);
        }
        put(&l, L' ');
        if (is_plain(wide))
            put_text(&l, wide);
        else
            put_batch_text(&l, wide);
        free(wide);
    }
    put(&l, L'"');
    return finish(&l, LONGEST_OF_CMD, TOO_LONG_FOR_CMD, out, refused);
}
