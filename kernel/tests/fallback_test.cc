// An older system: no pidfd_open, no close_range. The calls are made to fail by a filter, which
// cannot be taken off again, so each test runs in a process of its own.
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bus_fixture.h"

namespace {

bool WithoutNewSystemCalls() {
    sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_open, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 436 /* close_range */, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    sock_fprog program{static_cast<unsigned short>(std::size(filter)), filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 &&
           syscall(SYS_pidfd_open, getpid(), 0) == -1 && errno == ENOSYS;
}

// Runs the body without the calls and expects that nothing in it fails.
#define EXPECT_TO_HOLD_ON_AN_OLD_SYSTEM(body)           \
    EXPECT_EXIT(                                        \
        {                                               \
            bool set = WithoutNewSystemCalls();         \
            EXPECT_TRUE(set);                           \
            if (set)                                    \
                body();                                 \
            _exit(testing::Test::HasFailure() ? 1 : 0); \
        },                                              \
        testing::ExitedWithCode(0), "")

} // namespace

TEST(OldSystem, AnExitIsStillSeenAndAnsweredWithItsCode_L7) {
    EXPECT_TO_HOLD_ON_AN_OLD_SYSTEM([] {
        Bus bus(OnePool(2));
        bus.Start();
        Json answer = bus.Ask("exit", R"({"code":3})");
        ExpectError(answer, -32002);
        EXPECT_EQ(answer["error"]["data"]["exitCode"].Number(), 3);
        EXPECT_TRUE(bus.Until([&] { return bus.Running() == 2; }, "it runs again"));
    });
}

TEST(OldSystem, AStopTakesMilliseconds_A21) {
    EXPECT_TO_HOLD_ON_AN_OLD_SYSTEM([] {
        Bus bus(OnePool(3));
        bus.Start();
        bus.Ask("echo");
        EXPECT_LT(bus.Stop(), 1000);
    });
}

TEST(OldSystem, AGuardThatDiesIsReplacedAndTheLastOneEndsWithTheBus) {
    EXPECT_TO_HOLD_ON_AN_OLD_SYSTEM([] {
        Bus bus(OnePool(2));
        EXPECT_EQ(stdio_bus_set_guard(bus.get(), SB_DAEMON), STDIO_BUS_OK);
        bus.Start();
        pid_t first = GuardOf(getpid());
        pid_t second = 0;
        EXPECT_GT(first, 0);
        EXPECT_EQ(kill(first, SIGKILL), 0);
        bus.Until([&] { return IsGone(first) && (second = GuardOf(getpid())) > 0; }, "the next");
        EXPECT_NE(second, first);
        EXPECT_LT(bus.Stop(), 1000);
        EXPECT_TRUE(Children().empty());
    });
}

TEST(OldSystem, AWorkerStillHasNoDescriptorButItsOwnThree_L32) {
    EXPECT_TO_HOLD_ON_AN_OLD_SYSTEM([] {
        Bus bus(OnePool(2));
        bus.Start();
        Json seen = bus.Ask("inherited", "", {nullptr, nullptr, 1});
        EXPECT_EQ(seen["result"]["descriptors"].Raw(), "[0,1,2]");
    });
}
