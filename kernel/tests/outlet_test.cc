// The daemon's way out: whatever kind of descriptor it is given, it never waits for a reader and
// never loses or reorders a byte.
#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

extern "C" {
#include "log.h"
#include "outlet.h"
#include "stdio_bus.h"
}

namespace {

// A blocking write to a full pipe would hang; the alarm then ends the test program.
struct Guard {
    Guard() {
        alarm(60);
        std::signal(SIGPIPE, SIG_IGN);
    }
    ~Guard() {
        alarm(0);
    }
};

struct Ends {
    int read_end, write_end;
    explicit Ends(bool socket) {
        int fds[2];
        EXPECT_EQ(socket ? socketpair(AF_UNIX, SOCK_STREAM, 0, fds) : pipe(fds), 0);
        read_end = fds[0];
        write_end = fds[1];
        fcntl(read_end, F_SETFL, O_NONBLOCK);
    }
    ~Ends() {
        close(read_end);
        close(write_end);
    }
    std::string ReadAll() {
        std::string all;
        char block[65536];
        for (ssize_t n; (n = read(read_end, block, sizeof block)) > 0;)
            all.append(block, size_t(n));
        return all;
    }
};

void PassesEverythingWithoutWaiting(bool socket, sbd_outlet_kind expected, bool force_shared) {
    Guard guard;
    Ends ends(socket);
    sbd_outlet out;
    sbd_outlet_open(&out, ends.write_end);
    ASSERT_EQ(out.kind, expected);
    if (force_shared) { // as where the system lets nobody open it anew
        if (out.kind == SBD_OUTLET_OWN)
            close(out.fd);
        out.fd = ends.write_end;
        out.kind = SBD_OUTLET_SHARED;
    }
    std::string sent, received;
    for (int i = 0; i < 20000; i++) {
        std::string piece(size_t(1 + i % 997), char('a' + i % 26));
        sent += piece;
        ASSERT_TRUE(sbd_outlet_put(&out, piece.data(), piece.size()));
        if (i % 10 == 0)
            sbd_outlet_flush(&out);
    }
    EXPECT_GT(sbd_outlet_waiting(&out), 0u) << "more than the descriptor holds";
    EXPECT_EQ(fcntl(ends.write_end, F_GETFL) & O_NONBLOCK, 0) << "others use it, too";
    while (sbd_outlet_waiting(&out) > 0 && out.error == 0) {
        received += ends.ReadAll();
        sbd_outlet_flush(&out);
    }
    received += ends.ReadAll();
    EXPECT_EQ(out.error, 0);
    EXPECT_TRUE(received == sent) << received.size() << " of " << sent.size() << " bytes";
    sbd_outlet_close(&out);
}

TEST(Outlet, WritesToAPipeThroughADescriptionOfItsOwn) {
    PassesEverythingWithoutWaiting(false, SBD_OUTLET_OWN, false);
}

TEST(Outlet, WritesToASocketWithoutChangingIt) {
    PassesEverythingWithoutWaiting(true, SBD_OUTLET_SOCKET, false);
}

TEST(Outlet, WritesToASharedPipeInPiecesThatFit) {
    PassesEverythingWithoutWaiting(false, SBD_OUTLET_OWN, true);
}

TEST(Outlet, WritesToAFile) {
    char name[] = "/tmp/stdio_bus_outlet_XXXXXX";
    int fd = mkstemp(name);
    ASSERT_GE(fd, 0);
    unlink(name);
    sbd_outlet out;
    sbd_outlet_open(&out, fd);
    EXPECT_EQ(out.kind, SBD_OUTLET_FILE);
    ASSERT_TRUE(sbd_outlet_put(&out, "line\n", 5));
    sbd_outlet_flush(&out);
    EXPECT_EQ(sbd_outlet_waiting(&out), 0u);
    char text[8] = "";
    EXPECT_EQ(pread(fd, text, sizeof text, 0), 5);
    sbd_outlet_close(&out);
    close(fd);
}

TEST(Outlet, KeepsWhatItCouldNotWriteAndTheReason) {
    Guard guard;
    Ends ends(false);
    sbd_outlet out;
    sbd_outlet_open(&out, ends.write_end);
    ASSERT_TRUE(sbd_outlet_put(&out, "lost", 4));
    close(ends.read_end);
    sbd_outlet_flush(&out);
    EXPECT_EQ(out.error, EPIPE);
    EXPECT_EQ(sbd_outlet_waiting(&out), 4u);
    EXPECT_FALSE(sbd_outlet_put(&out, "more", 4));
    sbd_outlet_close(&out);
    ends.read_end = dup(ends.write_end); // for the destructor
}

TEST(Log, CountsTheLinesThatFindNoRoomAndTellsOfThemOnce_L33) {
    Guard guard;
    Ends ends(false);
    sbd_log log;
    sbd_log_open(&log, ends.write_end, STDIO_BUS_LOG_INFO);
    const int lines = 20000;
    for (int i = 0; i < lines; i++)
        sbd_log_line(&log, STDIO_BUS_LOG_INFO, "line %d", i);
    uint64_t dropped = log.dropped;
    EXPECT_GT(dropped, 0u);
    EXPECT_LE(sbd_outlet_waiting(&log.outlet), 256u * 1024);
    std::string text;
    while (sbd_log_waits(&log) || log.dropped) {
        text += ends.ReadAll();
        sbd_log_flush(&log);
    }
    text += ends.ReadAll();
    size_t shown = 0, reports = 0;
    for (size_t at = 0; (at = text.find("] line ", at)) != std::string::npos; at++)
        shown++;
    for (size_t at = 0; (at = text.find("log lines were dropped", at)) != std::string::npos; at++)
        reports++;
    EXPECT_EQ(shown + dropped, size_t(lines));
    EXPECT_EQ(reports, 1u);
    EXPECT_NE(text.find(std::to_string(dropped) + " log lines were dropped"), std::string::npos);
    sbd_log_close(&log);
}

TEST(Log, MakesNoLinesBelowItsLevelAndKeepsOneLineOne) {
    Guard guard;
    Ends ends(false);
    sbd_log log;
    sbd_log_open(&log, ends.write_end, STDIO_BUS_LOG_WARN);
    sbd_log_line(&log, STDIO_BUS_LOG_INFO, "not this");
    sbd_log_line(&log, STDIO_BUS_LOG_WARN, "two\nlines\x1b[31m");
    std::string text = ends.ReadAll();
    EXPECT_EQ(text.find("not this"), std::string::npos);
    EXPECT_NE(text.find("] [WARN] two?lines?[31m\n"), std::string::npos) << text;
    std::string longest(100000, 'x');
    sbd_log_text(&log, STDIO_BUS_LOG_ERROR, longest.data(), longest.size());
    text = ends.ReadAll();
    EXPECT_GT(text.size(), 8192u);
    EXPECT_LT(text.size(), 9216u);
    EXPECT_EQ(text.find('\n'), text.size() - 1);
    sbd_log_close(&log);
}

} // namespace
