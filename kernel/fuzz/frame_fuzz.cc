// frame_fuzz.cc: however a stream is cut into reads, the lines that come out are those of a plain
// split. The first two bytes choose the limit and how the reads are cut.
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "require.h"

extern "C" {
#include "frame.h"
}

namespace {

// A line, or one that is too long with its first bytes and, once it has ended, its last.
struct Line {
    bool too_long;
    std::string text;
    std::string tail = "";
    bool ended = false;
};

std::string WithoutCr(std::string line) {
    if (!line.empty() && line.back() == '\r')
        line.pop_back();
    return line;
}

std::vector<Line> Split(std::string stream, size_t limit) {
    std::vector<Line> lines;
    if (stream.rfind("\xEF\xBB\xBF", 0) == 0)
        stream.erase(0, 3);
    for (size_t at = 0; at < stream.size();) {
        size_t newline = stream.find('\n', at);
        size_t end = newline == std::string::npos ? stream.size() : newline;
        std::string line = WithoutCr(stream.substr(at, end - at));
        if (line.size() > limit)
            lines.push_back({true, line, "", newline != std::string::npos});
        else if (line.find_first_not_of(" \t\r") != std::string::npos)
            lines.push_back({false, line});
        at = end + 1;
    }
    return lines;
}

class Framed {
  public:
    explicit Framed(size_t limit) {
        sb_frame_init(&frame_, limit);
    }
    ~Framed() {
        sb_frame_free(&frame_);
    }

    std::vector<Line> lines;

    void Read(const char *bytes, size_t size) {
        size_t room;
        while (size > 0) {
            char *into = sb_frame_room(&frame_, &room);
            REQUIRE(into && room >= 4096);
            size_t n = size < room ? size : room;
            std::memcpy(into, bytes, n);
            sb_frame_filled(&frame_, n);
            bytes += n;
            size -= n;
            Take(sb_frame_next);
        }
    }
    void End() {
        Take(sb_frame_rest);
    }

  private:
    sb_frame frame_;

    void Take(sb_frame_result (*next)(sb_frame *, char **, size_t *)) {
        char *line;
        size_t len;
        for (sb_frame_result r; (r = next(&frame_, &line, &len)) != SB_FRAME_MORE;) {
            if (r == SB_FRAME_SKIPPED) {
                REQUIRE(!lines.empty() && lines.back().too_long && !lines.back().ended);
                REQUIRE(len <= SB_FRAME_TAIL);
                lines.back().tail.assign(line, len);
                lines.back().ended = true;
                continue;
            }
            REQUIRE(r == SB_FRAME_TOO_LONG ? len <= 256 : line[len] == '\0');
            lines.push_back({r == SB_FRAME_TOO_LONG, std::string(line, len)});
        }
    }
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2)
        return 0;
    size_t limit = 1 + data[0], cut = data[1];
    std::string stream(reinterpret_cast<const char *>(data) + 2, size - 2);
    Framed framed(limit);
    // Reads of one length; from 128 on, of lengths that vary.
    for (size_t at = 0, turn = 1; at < stream.size(); turn++) {
        size_t step = cut < 128 ? cut + 1 : turn * turn * cut % 61 + 1;
        size_t n = step < stream.size() - at ? step : stream.size() - at;
        framed.Read(stream.data() + at, n);
        at += n;
    }
    framed.End();
    std::vector<Line> expected = Split(stream, limit);
    REQUIRE(framed.lines.size() == expected.size());
    for (size_t i = 0; i < expected.size(); i++) {
        const Line &got = framed.lines[i], &wanted = expected[i];
        REQUIRE(got.too_long == wanted.too_long);
        // Of one that is too long only the start is shown, with what was read of it by then.
        REQUIRE(got.too_long ? wanted.text.rfind(WithoutCr(got.text), 0) == 0
                             : got.text == wanted.text);
        REQUIRE(got.ended == wanted.ended);
        // At most one byte of it is a CR that does not count.
        size_t least = wanted.text.size() < SB_FRAME_TAIL ? wanted.text.size() : SB_FRAME_TAIL - 1;
        REQUIRE(!got.ended || (got.tail.size() >= least && got.tail.size() <= wanted.text.size() &&
                               wanted.text.compare(wanted.text.size() - got.tail.size(),
                                                   std::string::npos, got.tail) == 0));
    }
    return 0;
}
