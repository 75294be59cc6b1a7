// script.h: fuzzed bytes read as a script of one-letter actions with arguments of one character,
// so that seeds and findings can be read and written by hand.
#ifndef SCRIPT_H
#define SCRIPT_H

#include <cstddef>
#include <cstdint>
#include <string>

class Script {
  public:
    Script(const uint8_t *data, size_t size) : at_(data), end_(data + size) {
    }
    bool IsOver() const {
        return at_ == end_;
    }
    char Letter() {
        return IsOver() ? '\0' : static_cast<char>(*at_++);
    }
    // 0 to 9 and a to z mean 0 to 35; every other character means something too.
    size_t Number(size_t choices) {
        uint8_t c = static_cast<uint8_t>(Letter());
        size_t value = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'z' ? c - 'a' + 10 : c;
        return value % choices;
    }
    template <size_t N> const char *One(const char *const (&choices)[N]) {
        return choices[Number(N)];
    }
    // Up to the end of the line.
    std::string Rest() {
        std::string rest;
        for (char c; !IsOver() && (c = Letter()) != '\n';)
            rest.push_back(c);
        return rest;
    }

  private:
    const uint8_t *at_, *end_;
};

#endif
