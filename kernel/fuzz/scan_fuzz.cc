// scan_fuzz.cc: whatever the text, the scan that routing relies on says the same as a plain reader
// of JSON: whether the text is valid, what each noted member is, and what is left of a message
// when its envelope is taken off. The scan without SSE2 says the same again.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "require.h"
#include "strict_json.h"

extern "C" {
#include "scan_portable.h"
#include "text.h"
}

using strict_json::Kind;
using strict_json::Value;

namespace {

enum Types { kText = 1, kNumber = 2, kAny = 4 };

void CheckDecoding(std::string_view raw, sb_token token) {
    std::string expected = raw[0] == '"' ? strict_json::Decode(raw) : std::string(raw);
    std::unique_ptr<char[]> decoded(new char[token.len]);
    size_t len = sb_json_decode(token, decoded.get());
    REQUIRE(std::string(decoded.get(), len) == expected);
    std::unique_ptr<char[]> quoted(new char[6 * len + 2]);
    size_t quoted_len = sb_json_quote(decoded.get(), len, quoted.get());
    Value again;
    REQUIRE(quoted_len <= 6 * len + 2);
    REQUIRE(strict_json::Parse({quoted.get(), quoted_len}, &again) == strict_json::Result::kValid);
}

void CheckToken(sb_token token, const Value *value, unsigned types) {
    bool wanted = value && ((types & kAny) || (value->kind == Kind::kString && (types & kText)) ||
                            (value->kind == Kind::kNumber && (types & kNumber)));
    REQUIRE((token.p != nullptr) == wanted);
    if (!wanted)
        return;
    REQUIRE(token.p == value->raw.data() && token.len == value->raw.size());
    if (value->kind == Kind::kString || value->kind == Kind::kNumber)
        CheckDecoding(value->raw, token);
}

void CheckId(const sb_scan &scan, const Value *id) {
    sb_id_kind expected = !id                         ? SB_ID_ABSENT
                          : id->kind == Kind::kString ? SB_ID_STRING
                          : id->kind == Kind::kNumber ? SB_ID_NUMBER
                          : id->raw == "null"         ? SB_ID_NULL
                                                      : SB_ID_OTHER;
    REQUIRE(scan.id_kind == expected);
}

void CheckMembers(const sb_scan &scan, const Value &message) {
    static const Value none;
    auto inside = [](const Value *value) { return value ? value : &none; };
    const Value *params = inside(message.Find("params"));
    const Value *meta = inside(params->Find("_meta"));
    const Value *result = inside(message.Find("result"));
    CheckId(scan, message.Find("id"));
    CheckToken(scan.id, message.Find("id"), kAny);
    CheckToken(scan.method, message.Find("method"), kText);
    CheckToken(scan.session, message.Find("sessionId"), kText);
    CheckToken(scan.pool, message.Find("pool"), kText);
    CheckToken(scan.params, message.Find("params"), kAny);
    CheckToken(scan.result, message.Find("result"), kAny);
    CheckToken(scan.error, message.Find("error"), kAny);
    CheckToken(scan.params_session, params->Find("sessionId"), kText);
    CheckToken(scan.progress_token, params->Find("progressToken"), kText | kNumber);
    CheckToken(scan.request_id, params->Find("requestId"), kText | kNumber);
    CheckToken(scan.params_id, params->Find("id"), kText | kNumber);
    CheckToken(scan.meta_token, meta->Find("progressToken"), kText | kNumber);
    CheckToken(scan.result_session, result->Find("sessionId"), kText);
}

// Which members stay when the last of each name of the envelope goes.
std::vector<const strict_json::Member *> MembersThatStay(const Value &message) {
    std::vector<const strict_json::Member *> stay;
    for (const auto &member : message.members) {
        bool goes = false;
        for (const char *name : {"sessionId", "pool", "agentId", "_ext"})
            goes |= member.key == name && message.Find(name) == &member.value;
        if (!goes)
            stay.push_back(&member);
    }
    return stay;
}

void CheckStripped(const sb_scan &scan, std::string_view text, const Value &message) {
    sb_edits edits = {};
    sb_edits_strip(&edits, &scan, text.data(), text.size());
    std::string stripped(sb_edits_length(&edits, text.size()), '\0');
    sb_edits_apply(&edits, text.data(), text.size(), &stripped[0]);
    Value left;
    REQUIRE(strict_json::Parse(stripped, &left) == strict_json::Result::kValid);
    auto stay = MembersThatStay(message);
    REQUIRE(left.members.size() == stay.size());
    for (size_t i = 0; i < stay.size(); i++) {
        REQUIRE(left.members[i].raw_key == stay[i]->raw_key);
        REQUIRE(left.members[i].value.raw == stay[i]->value.raw);
    }
}

// The text up to the fault could have gone on well: it is valid, or ends too early.
void CheckFault(const sb_scan &scan, std::string_view text) {
    sb_scan shorter;
    REQUIRE(scan.error_at <= text.size() && scan.error_text);
    if (sb_json_scan(text.data(), scan.error_at, &shorter) == SB_SCAN_INVALID)
        REQUIRE(shorter.error_at == scan.error_at);
}

bool SameScan(const sb_scan &a, const sb_scan &b) {
    const sb_token first[] = {a.id,         a.method,         a.session,    a.pool,
                              a.params,     a.params_session, a.meta_token, a.progress_token,
                              a.request_id, a.params_id,      a.result,     a.result_session,
                              a.error};
    const sb_token second[] = {b.id,         b.method,         b.session,    b.pool,
                               b.params,     b.params_session, b.meta_token, b.progress_token,
                               b.request_id, b.params_id,      b.result,     b.result_session,
                               b.error};
    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        if (first[i].p != second[i].p || first[i].len != second[i].len)
            return false;
    return a.id_kind == b.id_kind && a.error_at == b.error_at &&
           std::memcmp(a.envelope, b.envelope, sizeof a.envelope) == 0;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    // A copy of exactly this size, so that a read beyond it is seen.
    std::unique_ptr<char[]> copy(new char[size]);
    if (size)
        std::memcpy(copy.get(), data, size);
    std::string_view text(copy.get(), size);
    sb_scan scan, portable;
    sb_scan_status status = sb_json_scan(text.data(), text.size(), &scan);
    REQUIRE(portable_json_scan(text.data(), text.size(), &portable) == status);
    REQUIRE(SameScan(scan, portable));
    Value message;
    switch (strict_json::Parse(text, &message)) {
    case strict_json::Result::kTooDeep:
        return 0;
    case strict_json::Result::kInvalid:
        REQUIRE(status == SB_SCAN_INVALID);
        CheckFault(scan, text);
        return 0;
    case strict_json::Result::kValid:
        REQUIRE(status == (message.kind == Kind::kObject  ? SB_SCAN_OK
                           : message.kind == Kind::kArray ? SB_SCAN_BATCH
                                                          : SB_SCAN_SCALAR));
        break;
    }
    if (status == SB_SCAN_OK) {
        CheckMembers(scan, message);
        CheckStripped(scan, text, message);
    }
    return 0;
}
