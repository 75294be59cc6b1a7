// Taking members off a message, text to tokens and back, and what the scan does with messages
// made at random or damaged.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "json_scanned.h"

namespace {

// The message with all envelope members taken off.
std::string Stripped(const std::string &json) {
    Scanned s(json);
    EXPECT_EQ(s.status, SB_SCAN_OK) << json;
    std::string kept;
    for (size_t i = 0; i < json.size(); i++) {
        bool taken = false;
        for (const sb_span &span : s.scan.envelope)
            taken |= i >= span.start && i < span.end;
        if (!taken)
            kept += json[i];
    }
    return kept;
}

TEST(JsonScan, CutsEnvelopeMembersOffWithTheirCommas_A28) {
    struct {
        const char *json, *stripped;
    } cases[] = {
        {R"({"id":1,"method":"m"})", R"({"id":1,"method":"m"})"},
        {R"({"id":1,"sessionId":"s"})", R"({"id":1})"},
        {R"({"sessionId":"s","id":1})", R"({"id":1})"},
        {R"({"sessionId":"s"})", R"({})"},
        {R"({"id":1,"pool":"p","method":"m"})", R"({"id":1,"method":"m"})"},
        {R"({"id":1,"pool":"p","sessionId":"s"})", R"({"id":1})"},
        {R"({"pool":"p","sessionId":"s","id":1})", R"({"id":1})"},
        {R"({"pool":"p","id":1,"sessionId":"s"})", R"({"id":1})"},
        {R"({"pool":"p","sessionId":"s"})", R"({})"},
        {R"({"pool":"p","agentId":"a","id":1,"_ext":{"x":[1,{"pool":2}]},"sessionId":"s","m":2})",
         R"({"id":1,"m":2})"},
        {R"({ "pool" : "p" , "id" : 1 , "_ext" : {} , "x":2 })", R"({  "id" : 1  , "x":2 })"},
        {R"({"id":1, "agentId":7, "pool":null})", R"({"id":1})"},
        {R"({"pool":"a","pool":"b","id":1})", R"({"pool":"a","id":1})"},
        {R"({"pool":"a","sessionId":"s","pool":"b"})", R"({"pool":"a"})"},
        {R"({"id":1,"params":{"pool":"x","sessionId":"y"},"x":[{"_ext":1}]})",
         R"({"id":1,"params":{"pool":"x","sessionId":"y"},"x":[{"_ext":1}]})"},
        {R"({"p\u006fol":"p","id":1})", R"({"id":1})"},
    };
    for (auto &c : cases) {
        EXPECT_EQ(Stripped(c.json), c.stripped) << c.json;
        EXPECT_EQ(StatusOf(Stripped(c.json)), SB_SCAN_OK) << c.json;
    }
}

// Members in every order: what is left stays valid, holds what it should, in its order, and
// the spans are disjoint.
TEST(JsonScan, StripsEveryOrderOfMembersCleanly_A28) {
    std::vector<std::string> members = {R"("_ext":{})",  R"("agentId":"a")",
                                        R"("id":1)",     R"("method":"m")",
                                        R"("pool":"p")", R"("sessionId":"s")"};
    do {
        for (unsigned mask = 1; mask < 64; mask += 3) {
            std::string json = "{", expected = "{";
            for (size_t i = 0; i < members.size(); i++) {
                if (!(mask >> i & 1))
                    continue;
                json += (json.size() > 1 ? "," : "") + members[i];
                if (members[i][1] == 'i' || members[i][1] == 'm')
                    expected += (expected.size() > 1 ? "," : "") + members[i];
            }
            json += "}";
            expected += "}";
            ASSERT_EQ(Stripped(json), expected) << json;
            Scanned s(json);
            size_t total = 0;
            for (const sb_span &span : s.scan.envelope)
                total += span.end - span.start;
            ASSERT_EQ(json.size() - total, expected.size()) << "spans overlap: " << json;
        }
    } while (std::next_permutation(members.begin(), members.end()));
}

TEST(JsonText, DecodesEveryEscape) {
    EXPECT_EQ(Decoded(Scanned(R"({"method":"\"\\\/\b\f\n\r\t"})").scan.method), "\"\\/\b\f\n\r\t");
    EXPECT_EQ(Decoded(Scanned(R"({"method":"\u0041\u00e4\u20AC\uD83D\ude00"})").scan.method),
              "A\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80");
    EXPECT_EQ(Decoded(Scanned(R"({"method":"a\u0000b"})").scan.method), std::string("a\0b", 3));
    EXPECT_EQ(Decoded(Scanned(R"({"method":""})").scan.method), "");
    Scanned number(R"({"id":1e5})");
    EXPECT_EQ(Decoded(number.scan.id), "1e5");
    EXPECT_FALSE(sb_json_is_plain(number.scan.id));
    EXPECT_TRUE(sb_json_is_plain(Scanned(R"({"id":"a"})").scan.id));
    EXPECT_FALSE(sb_json_is_plain(Scanned(R"({"id":"\/"})").scan.id));
    EXPECT_FALSE(sb_json_is_plain(sb_token{nullptr, 0}));
}

TEST(JsonText, KeepsLoneSurrogatesApart) {
    auto decode = [](const char *text) {
        return Decoded(Scanned(std::string("{\"method\":\"") + text + "\"}").scan.method);
    };
    EXPECT_EQ(decode(R"(\ud800)"), "\xED\xA0\x80");
    EXPECT_EQ(decode(R"(\ud801)"), "\xED\xA0\x81");
    EXPECT_EQ(decode(R"(\udc00\ud800)"), "\xED\xB0\x80\xED\xA0\x80");
    EXPECT_EQ(decode(R"(\ud83dx)"), "\xED\xA0\xBDx");
    EXPECT_EQ(decode(R"(\ud83d\n)"), "\xED\xA0\xBD\n");
    EXPECT_EQ(decode(R"(\ud83d\ud83d\ude00)"), "\xED\xA0\xBD\xF0\x9F\x98\x80");
}

std::string Quoted(const std::string &text) {
    std::string out(6 * text.size() + 2, '?');
    out.resize(sb_json_quote(text.data(), text.size(), out.data()));
    return out;
}

TEST(JsonText, QuotesWhatMustBeQuoted) {
    EXPECT_EQ(Quoted(""), "\"\"");
    EXPECT_EQ(Quoted("a/b"), "\"a/b\"");
    EXPECT_EQ(Quoted("\"\\\b\f\n\r\t"), R"("\"\\\b\f\n\r\t")");
    EXPECT_EQ(Quoted(std::string("\0\x01\x0b\x1f\x7f", 5)), "\"\\u0000\\u0001\\u000b\\u001f\x7f\"");
    EXPECT_EQ(Quoted("\xC3\xA4\xF0\x9F\x98\x80"), "\"\xC3\xA4\xF0\x9F\x98\x80\"");
    EXPECT_EQ(Quoted("a\xFF\xC3z"), "\"a\xEF\xBF\xBD\xEF\xBF\xBDz\"");
    EXPECT_EQ(Quoted("\xED\xA0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

std::string RandomText(std::mt19937 &random) {
    static const char *const pieces[] = {"a",
                                         "Z",
                                         "0",
                                         " ",
                                         "\"",
                                         "\\",
                                         "/",
                                         "\n",
                                         "\t",
                                         "\x01",
                                         "\x1f",
                                         "\x7f",
                                         "u0041",
                                         "\xC3\xA4",
                                         "\xE2\x82\xAC",
                                         "\xF0\x9F\x98\x80"};
    std::string text;
    for (size_t n = random() % 40; n > 0; n--)
        text += pieces[random() % (sizeof pieces / sizeof *pieces)];
    if (random() % 4 == 0)
        text += '\0';
    return text;
}

TEST(JsonText, RoundTripsRandomTextThroughQuoteScanAndDecode) {
    std::mt19937 random(20260131);
    for (int i = 0; i < 20000; i++) {
        std::string text = RandomText(random);
        Scanned s("{\"method\":" + Quoted(text) + "}");
        ASSERT_EQ(s.status, SB_SCAN_OK) << Quoted(text);
        ASSERT_EQ(Decoded(s.scan.method), text);
    }
}

// A value as text, made so that the scan must agree that it is valid.
std::string RandomValue(std::mt19937 &random, int depth) {
    static const char *const scalars[] = {"0", "-1", "2.5", "1e9", "true", "false", "null", "\"\""};
    std::string space(random() % 3, ' ');
    unsigned kind = random() % (depth > 0 ? 4 : 2);
    if (kind == 0)
        return space + scalars[random() % 8] + space;
    if (kind == 1)
        return space + Quoted(RandomText(random)) + space;
    std::string out = space + (kind == 2 ? "[" : "{");
    for (unsigned n = random() % 5, i = 0; i < n; i++) {
        out += i ? "," : "";
        if (kind == 3)
            out += space + Quoted(RandomText(random)) + space + ":";
        out += RandomValue(random, depth - 1);
    }
    return out + space + (kind == 2 ? "]" : "}") + space;
}

TEST(JsonScan, AgreesWithRandomMessagesAndRefusesThemCut) {
    std::mt19937 random(7);
    for (int i = 0; i < 3000; i++) {
        std::string params = "{\"v\":" + RandomValue(random, 5) + "}";
        std::string json = "{\"id\":" + std::to_string(i) + ",\"params\":" + params +
                           ",\"sessionId\":" + Quoted(RandomText(random)) + "}";
        Scanned s(json);
        ASSERT_EQ(s.status, SB_SCAN_OK) << json << " " << s.scan.error_text;
        ASSERT_EQ(Text(s.scan.params), params);
        ASSERT_EQ(Text(s.scan.id), std::to_string(i));
        ASSERT_EQ(StatusOf(json.substr(0, random() % json.size())), SB_SCAN_INVALID);
    }
}

// Random bytes put over a valid message must never make the scan read outside of it or report
// a token outside of it.
TEST(JsonScan, SurvivesRandomDamage) {
    std::mt19937 random(99);
    const std::string whole = R"({"id":"a\u0041","method":"m","params":{"_meta":{"progressToken")"
                              R"(:12},"sessionId":"s\n"},"sessionId":"x","pool":"y","_ext":[{}]})";
    for (int i = 0; i < 200000; i++) {
        std::string json = whole;
        for (unsigned n = 1 + random() % 3; n > 0; n--)
            json[random() % json.size()] = "\"\\{}[],:u\xC3\x80 1ae\n"[random() % 16];
        Scanned s(json);
        const char *first = s.text.get(), *last = first + s.len;
        for (sb_token t : {s.scan.id, s.scan.method, s.scan.session, s.scan.pool, s.scan.params,
                           s.scan.params_session, s.scan.meta_token}) {
            if (!t.p)
                continue;
            ASSERT_GE(t.p, first);
            ASSERT_LE(t.p + t.len, last);
            Decoded(t);
        }
        if (s.status == SB_SCAN_OK) {
            ASSERT_EQ(StatusOf(Stripped(json)), SB_SCAN_OK) << json;
        } else if (s.status == SB_SCAN_INVALID) {
            ASSERT_LE(s.scan.error_at, s.len);
        }
    }
}

} // namespace
