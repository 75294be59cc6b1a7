/*
 * Wine 8 keeps a list of frames of its own in TEB.ExceptionList: one while it calls a handler of an
 * exception. .NET ends an exception by a jump out of the handler, as it may on Windows. Wine does
 * not notice, and its list goes on naming a frame that is gone. The next exception that goes
 * through native code calls what lies there by then: the program ends, or hangs.
 *
 * This is asked about every exception before the list is. A list that begins beyond the end of the
 * stack is emptied, since such a frame can no longer say where the list goes on. What is still good
 * is lost with it: frames of Wine that called back from within a guarded call, as it calls no .NET.
 */
#include <windows.h>

static LONG CALLBACK drop_dead_frames(EXCEPTION_POINTERS *exception) {
    NT_TIB *thread = (NT_TIB *)NtCurrentTeb();
    if ((ULONG_PTR)thread->ExceptionList < exception->ContextRecord->Rsp)
        thread->ExceptionList = (EXCEPTION_REGISTRATION_RECORD *)~(ULONG_PTR)0;
    return EXCEPTION_CONTINUE_SEARCH;
}

BOOL WINAPI DllMain(HINSTANCE library, DWORD reason, LPVOID reserved) {
    (void)library;
    (void)reserved;
    return reason != DLL_PROCESS_ATTACH || AddVectoredExceptionHandler(TRUE, drop_dead_frames);
}
