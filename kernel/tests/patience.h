// patience.h: how long a test waits for what is certain to come. No healthy run comes near to it;
// in an emulator, where all takes more than ten times as long, it is longer.
#ifndef PATIENCE_H
#define PATIENCE_H

#include <chrono>

constexpr std::chrono::milliseconds kPatience = std::chrono::seconds(SB_PATIENCE_SEC);

#endif
