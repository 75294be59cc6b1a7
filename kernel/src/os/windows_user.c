/* windows_user.c: who we are, and who others are. */
#include <stdio.h>
#include <stdlib.h>

#include "windows.h"
/* */
#include <sddl.h>

/* The user of a process, to be freed; NULL when it cannot be told. */
static TOKEN_USER *user_of(HANDLE process) {
    HANDLE token;
    DWORD size = 0;
    if (!OpenProcessToken(process, TOKEN_QUERY, &token))
        return NULL;
    GetTokenInformation(token, TokenUser, NULL, 0, &size);
    TOKEN_USER *user = size ? malloc(size) : NULL;
    if (user && !GetTokenInformation(token, TokenUser, user, size, &size)) {
        free(user);
        user = NULL;
    }
    CloseHandle(token);
    return user;
}

int sb_user_only(SECURITY_ATTRIBUTES *attributes) {
    *attributes = (SECURITY_ATTRIBUTES){.nLength = sizeof *attributes};
    TOKEN_USER *user = user_of(GetCurrentProcess());
    wchar_t *sid = NULL, text[256];
    int error = 0;
    if (!user || !ConvertSidToStringSidW(user->User.Sid, &sid)) {
        error = (int)GetLastError();
    } else {
        /* Nothing is inherited (P); all access (GA) for one user. */
        swprintf(text, 256, L"D:P(A;;GA;;;%ls)", sid);
        if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(
                text, SDDL_REVISION_1, &attributes->lpSecurityDescriptor, NULL))
            error = (int)GetLastError();
    }
    LocalFree(sid);
    free(user);
    return error;
}

/* Of a process that may not be looked at it is certain enough that it is somebody else's. */
bool sb_user_owns_process(DWORD pid) {
    HANDLE process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, pid);
    if (!process)
        return false;
    TOKEN_USER *theirs = user_of(process), *ours = user_of(GetCurrentProcess());
    bool same = theirs && ours && EqualSid(theirs->User.Sid, ours->User.Sid);
    free(theirs);
    free(ours);
    CloseHandle(process);
    return same;
}
