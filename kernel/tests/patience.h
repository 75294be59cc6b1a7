// patience.h: how long a test waits for what is certain to come. No healthy run comes near to it, which
// an emulator needs more for: a program in it is slower by more than ten times.
#ifndef PATIENCE_H
#define PATIENCE_H

#include <chrono>

constexpr std::chrono::milliseconds kPatience = std::chrono::seconds(SB_PATIENCE_SEC);

#endif
