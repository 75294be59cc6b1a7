// json_scanned.h: a message after the scan.
#ifndef JSON_SCANNED_H
#define JSON_SCANNED_H

#include <cstring>
#include <memory>
#include <string>

extern "C" {
#include "json.h"
}

// The scanned text ends where a page of its own allocation ends, so that AddressSanitizer
// sees a read beyond it.
struct Scanned {
    std::unique_ptr<char[]> text;
    size_t len;
    sb_scan scan;
    sb_scan_status status;

    explicit Scanned(const std::string &json) : text(new char[json.size()]), len(json.size()) {
        std::memcpy(text.get(), json.data(), json.size());
        status = sb_json_scan(text.get(), len, &scan);
    }
};

inline std::string Text(sb_token token) {
    return token.p ? std::string(token.p, token.len) : "(absent)";
}

inline std::string Decoded(sb_token token) {
    std::string out(token.len, '?');
    out.resize(sb_json_decode(token, out.data()));
    return out;
}

inline sb_scan_status StatusOf(const std::string &json) {
    return Scanned(json).status;
}

#endif
