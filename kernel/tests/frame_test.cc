// Framing: lines out of a stream, whatever way the stream was cut into reads.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <vector>

extern "C" {
#include "frame.h"
}

namespace {

struct Lines {
    sb_frame frame;
    std::vector<std::string> got;
    std::vector<std::string> tails; // of those that are too long

    explicit Lines(size_t limit = 1 << 20) {
        sb_frame_init(&frame, limit);
    }
    ~Lines() {
        sb_frame_free(&frame);
    }
    Lines(const Lines &) = delete;

    void Note(sb_frame_result result, const char *line, size_t len) {
        if (result == SB_FRAME_TOO_LONG) {
            EXPECT_LE(len, 256u);
            got.push_back("TOO LONG " + std::string(line, len));
        } else if (result == SB_FRAME_SKIPPED) {
            EXPECT_LE(len, size_t{SB_FRAME_TAIL});
            tails.emplace_back(line, len);
        } else {
            EXPECT_EQ(line[len], '\0');
            got.emplace_back(line, len);
        }
    }

    // Puts `bytes` in, in reads of at most `step` bytes, and takes out what is complete.
    void Feed(const std::string &bytes, size_t step = SIZE_MAX) {
        for (size_t at = 0; at < bytes.size();) {
            size_t room = 0;
            char *into = sb_frame_room(&frame, &room);
            ASSERT_NE(into, nullptr);
            ASSERT_GE(room, 4096u);
            size_t n = std::min({step, room, bytes.size() - at});
            std::memcpy(into, bytes.data() + at, n);
            sb_frame_filled(&frame, n);
            at += n;
            char *line;
            size_t len;
            sb_frame_result result;
            while ((result = sb_frame_next(&frame, &line, &len)) != SB_FRAME_MORE)
                Note(result, line, len);
        }
    }

    void End() {
        char *line;
        size_t len;
        sb_frame_result result;
        while ((result = sb_frame_rest(&frame, &line, &len)) != SB_FRAME_MORE)
            Note(result, line, len);
    }
};

using Expected = std::vector<std::string>;

TEST(Frame, TellsTheEndOfALineThatIsTooLong) {
    const std::string line = std::string(300, 'x') + "the end";
    for (size_t step : {size_t{1}, size_t{7}, size_t{128}, size_t{1000}}) {
        Lines lines(20);
        lines.Feed(line + "\r\nshort\n" + std::string(21, 'y') + "\n" + line, step);
        ASSERT_EQ(lines.tails.size(), 2u) << "the last one has not ended; in steps of " << step;
        const std::string &tail = lines.tails[0]; // a byte of it may have been the CR
        EXPECT_GE(tail.size(), size_t{SB_FRAME_TAIL} - 1);
        EXPECT_EQ(tail, line.substr(line.size() - tail.size()));
        EXPECT_EQ(lines.tails[1], std::string(21, 'y'));
        lines.End();
        EXPECT_EQ(lines.tails.size(), 2u);
    }
}

TEST(Frame, CutsManyLinesOfOneRead_A29) {
    Lines lines;
    lines.Feed("{\"a\":1}\n{\"b\":2}\nthree\n");
    EXPECT_EQ(lines.got, (Expected{"{\"a\":1}", "{\"b\":2}", "three"}));
    lines.End();
    EXPECT_EQ(lines.got.size(), 3u);
}

TEST(Frame, PutsALineTogetherFromOneByteAReadAndSplitUtf8_A29) {
    Lines lines;
    lines.Feed("{\"x\":\"\xE2\x82\xAC\xF0\x9F\x98\x80\"}\r\nsecond\n", 1);
    EXPECT_EQ(lines.got, (Expected{"{\"x\":\"\xE2\x82\xAC\xF0\x9F\x98\x80\"}", "second"}));
}

TEST(Frame, RemovesOneCarriageReturnBeforeTheNewline_A29) {
    Lines lines;
    lines.Feed("a\r\nb\r\r\nc\rd\n\re\n");
    EXPECT_EQ(lines.got, (Expected{"a", "b\r", "c\rd", "\re"}));
}

TEST(Frame, SkipsBlankLines_A29) {
    Lines lines;
    lines.Feed("\n\r\n \t \n\n{}\n\n  \r\n");
    lines.Feed("   ");
    lines.End();
    EXPECT_EQ(lines.got, (Expected{"{}"}));
}

TEST(Frame, DropsOneLeadingByteOrderMark_A29_L23) {
    for (size_t step : {1, 2, 3, 4, 100}) {
        Lines lines;
        lines.Feed("\xEF\xBB\xBF{}\n\xEF\xBB\xBF{}\n", step);
        EXPECT_EQ(lines.got, (Expected{"{}", "\xEF\xBB\xBF{}"})) << step;
    }
    Lines twice;
    twice.Feed("\xEF\xBB\xBF\xEF\xBB\xBFx\n");
    EXPECT_EQ(twice.got, (Expected{"\xEF\xBB\xBFx"}));
    Lines almost;
    almost.Feed("\xEF\xBBx\n", 1);
    EXPECT_EQ(almost.got, (Expected{"\xEF\xBBx"}));
    Lines only;
    only.Feed("\xEF\xBB\xBF");
    only.End();
    EXPECT_TRUE(only.got.empty());
    Lines part;
    part.Feed("\xEF\xBB");
    part.End();
    EXPECT_EQ(part.got, (Expected{"\xEF\xBB"}));
}

TEST(Frame, HandsOutTheRestWithoutNewlineAtTheEnd_A29) {
    Lines lines;
    lines.Feed("one\ntwo");
    EXPECT_EQ(lines.got, (Expected{"one"}));
    lines.End();
    lines.End();
    EXPECT_EQ(lines.got, (Expected{"one", "two"}));
    Lines cr;
    cr.Feed("x\r");
    cr.End();
    EXPECT_EQ(cr.got, (Expected{"x"}));
    Lines nothing;
    nothing.End();
    EXPECT_TRUE(nothing.got.empty());
}

TEST(Frame, KeepsBytesThatAreNotText_A29) {
    std::string line("\0\x01\xFF\x80 x", 6);
    Lines lines;
    lines.Feed(line + "\n", 2);
    EXPECT_EQ(lines.got, (Expected{line}));
}

TEST(Frame, PassesALineOfTheLimitAndReportsOneByteMoreOnce_A29) {
    for (size_t limit : {1, 10, 4095, 4096, 4097, 65536, 100000}) {
        for (const char *newline : {"\n", "\r\n"}) {
            for (size_t step : {size_t(7), size_t(4096), SIZE_MAX}) {
                if (step == 7 && limit > 10)
                    continue;
                std::string exact(limit, 'x'), over(limit + 1, 'y');
                Lines lines(limit);
                lines.Feed(exact + newline + over + newline + "z" + newline + exact + newline,
                           step);
                ASSERT_EQ(lines.got.size(), 4u) << limit << " " << step;
                EXPECT_EQ(lines.got[0], exact);
                EXPECT_EQ(lines.got[1].substr(0, 10), "TOO LONG y");
                EXPECT_EQ(lines.got[2], "z");
                EXPECT_EQ(lines.got[3], exact);
            }
        }
    }
}

TEST(Frame, SkipsALineFarOverTheLimitInLittleMemory_A29) {
    Lines lines(1000);
    lines.Feed("a\n");
    lines.Feed(std::string(50 << 20, 'x'));
    EXPECT_LE(lines.frame.cap, 256u * 1024);
    lines.Feed("tail\nb\n");
    ASSERT_EQ(lines.got.size(), 3u);
    EXPECT_EQ(lines.got[1], "TOO LONG " + std::string(256, 'x'));
    EXPECT_EQ(lines.got[2], "b");
}

TEST(Frame, ForgetsAnOverlongRestAtTheEnd_A29) {
    Lines lines(10);
    lines.Feed(std::string(11, 'x'));
    lines.Feed("more");
    lines.End();
    EXPECT_EQ(lines.got, (Expected{"TOO LONG xxxxxxxxxxx"}));
}

TEST(Frame, GivesALargeBufferBackOnceItIsEmpty) {
    Lines lines(64 << 20);
    lines.Feed(std::string(10 << 20, 'x') + "\n");
    ASSERT_EQ(lines.got.size(), 1u);
    size_t room;
    ASSERT_NE(sb_frame_room(&lines.frame, &room), nullptr);
    EXPECT_LE(lines.frame.cap, 128u * 1024);
}

TEST(Frame, ReadsMoreAtATimeWhileTheStreamIsBusy) {
    Lines lines;
    size_t room;
    sb_frame_room(&lines.frame, &room);
    EXPECT_EQ(room, 4096u);
    std::string line(99, 'x');
    line += '\n';
    std::string many;
    for (int i = 0; i < 2000; i++)
        many += line;
    lines.Feed(many);
    EXPECT_EQ(lines.got.size(), 2000u);
    sb_frame_room(&lines.frame, &room);
    EXPECT_GE(room, 65536u - 100u);
}

TEST(Frame, EverySplitOfAStreamGivesTheSameLines_A29) {
    const std::string stream = "\xEF\xBB\xBF{\"a\":\"\xC3\xA4\"}\r\n\n \r\nlonger than ten\r\nxy\n"
                               "0123456789\r\n0123456789a\nrest";
    Lines whole(10);
    whole.Feed(stream);
    whole.End();
    // Where a line is found to be too long depends on the reads; what matters is once, and what
    // it began with.
    auto normal = [](std::vector<std::string> lines) {
        for (auto &line : lines)
            if (line.compare(0, 9, "TOO LONG ") == 0)
                line.resize(20);
        return lines;
    };
    ASSERT_EQ(normal(whole.got), (Expected{"{\"a\":\"\xC3\xA4\"}", "TOO LONG longer than", "xy",
                                           "0123456789", "TOO LONG 0123456789a", "rest"}));
    for (size_t a = 0; a <= stream.size(); a++) {
        for (size_t b = a; b <= stream.size(); b++) {
            Lines lines(10);
            lines.Feed(stream.substr(0, a));
            lines.Feed(stream.substr(a, b - a));
            lines.Feed(stream.substr(b));
            lines.End();
            ASSERT_EQ(normal(lines.got), normal(whole.got)) << a << " " << b;
        }
    }
}

TEST(Frame, RandomStreamsInRandomReadsComeOutWhole_A29) {
    std::mt19937 random(5);
    for (int round = 0; round < 200; round++) {
        Expected expected;
        std::string stream;
        for (unsigned n = random() % 60; n > 0; n--) {
            size_t len = random() % 8 == 0 ? random() % 100000 : 1 + random() % 200;
            std::string line(len, 'a' + char(random() % 26));
            stream += line + (random() % 2 ? "\n" : "\r\n");
            if (len)
                expected.push_back(line);
        }
        Lines lines;
        for (size_t at = 0; at < stream.size();) {
            size_t n = 1 + random() % (random() % 3 ? 300 : 70000);
            lines.Feed(stream.substr(at, n));
            at += n;
        }
        lines.End();
        ASSERT_EQ(lines.got, expected) << round;
    }
}

// Looking again at what was read before, or moving it at every read, would make a long line
// cost the square of its length.
TEST(Frame, LooksAtEveryByteOfALongLineOnce_L40) {
    const size_t chunks = 4096;
    Lines lines(chunks * 4096);
    std::string chunk(4096, 'x');
    size_t grown = 0, cap = 0;
    lines.Feed("first\nx");
    for (size_t i = 1; i < chunks; i++) {
        lines.Feed(chunk);
        ASSERT_EQ(lines.frame.scanned, lines.frame.end);
        ASSERT_EQ(lines.frame.start, 0u);
        grown += lines.frame.cap != cap;
        cap = lines.frame.cap;
    }
    EXPECT_LE(grown, 16u);
    lines.Feed("\n");
    ASSERT_EQ(lines.got.size(), 2u);
    EXPECT_EQ(lines.got[1].size(), (chunks - 1) * 4096 + 1);
}

} // namespace
