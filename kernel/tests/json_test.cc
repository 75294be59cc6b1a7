// The routing scan: what it finds, what it refuses, and that it looks at every byte once.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

extern "C" {
#include "json.h"
}

namespace {

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

std::string Text(sb_token token) {
    return token.p ? std::string(token.p, token.len) : "(absent)";
}

std::string Decoded(sb_token token) {
    std::string out(token.len, '?');
    out.resize(sb_json_decode(token, out.data()));
    return out;
}

sb_scan_status StatusOf(const std::string &json) {
    return Scanned(json).status;
}

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

TEST(JsonScan, FindsEveryFieldRoutingNeeds_A28) {
    Scanned s(R"({"jsonrpc":"2.0","id":7,"method":"tools/call","sessionId":"s1","pool":"p1",)"
              R"("params":{"sessionId":"s2","progressToken":"t1","_meta":{"progressToken":5},)"
              R"("requestId":"r1","id":12}})");
    ASSERT_EQ(s.status, SB_SCAN_OK);
    EXPECT_EQ(s.scan.id_kind, SB_ID_NUMBER);
    EXPECT_EQ(Text(s.scan.id), "7");
    EXPECT_EQ(Text(s.scan.method), R"("tools/call")");
    EXPECT_EQ(Text(s.scan.session), R"("s1")");
    EXPECT_EQ(Text(s.scan.pool), R"("p1")");
    EXPECT_EQ(Text(s.scan.params_session), R"("s2")");
    EXPECT_EQ(Text(s.scan.progress_token), R"("t1")");
    EXPECT_EQ(Text(s.scan.meta_token), "5");
    EXPECT_EQ(Text(s.scan.request_id), R"("r1")");
    EXPECT_EQ(Text(s.scan.params_id), "12");
    EXPECT_EQ(Text(s.scan.params).front(), '{');
    EXPECT_EQ(Text(s.scan.params).back(), '}');
    EXPECT_FALSE(sb_scan_is_response(&s.scan));
}

TEST(JsonScan, TellsResponsesFromRequestsAndNotifications_A28) {
    struct {
        const char *json;
        bool response;
    } cases[] = {
        {R"({"id":1,"result":null})", true},
        {R"({"id":1,"error":{"code":-1}})", true},
        {R"({"id":null,"error":{"code":-32700}})", true},
        {R"({"id":"x","result":{"sessionId":"s"}})", true},
        {R"({"id":1,"method":"m","result":1})", false},
        {R"({"id":1})", false},
        {R"({"result":1})", false},
        {R"({"method":"m"})", false},
        {R"({"id":1,"method":7,"result":1})", true},
        {R"({})", false},
    };
    for (auto &c : cases) {
        Scanned s(c.json);
        ASSERT_EQ(s.status, SB_SCAN_OK) << c.json;
        EXPECT_EQ(sb_scan_is_response(&s.scan), c.response) << c.json;
    }
    EXPECT_EQ(Text(Scanned(R"({"id":1,"result":{"sessionId":"abc"}})").scan.result_session),
              R"("abc")");
}

TEST(JsonScan, KeepsTheTextAndKindOfAnId_A28) {
    struct {
        const char *text;
        sb_id_kind kind;
    } cases[] = {
        {"1", SB_ID_NUMBER},         {"-0", SB_ID_NUMBER},
        {"1.50", SB_ID_NUMBER},      {"1e400", SB_ID_NUMBER},
        {"\"\"", SB_ID_STRING},      {"\"a\\u0041\"", SB_ID_STRING},
        {"null", SB_ID_NULL},        {"true", SB_ID_OTHER},
        {"false", SB_ID_OTHER},      {"[1]", SB_ID_OTHER},
        {"{\"id\":2}", SB_ID_OTHER}, {"123456789012345678901234567890", SB_ID_NUMBER},
    };
    for (auto &c : cases) {
        Scanned s(std::string(R"({"id" : )") + c.text + R"( ,"method":"m"})");
        ASSERT_EQ(s.status, SB_SCAN_OK) << c.text;
        EXPECT_EQ(s.scan.id_kind, c.kind) << c.text;
        EXPECT_EQ(Text(s.scan.id), c.text);
    }
    EXPECT_EQ(Scanned("{}").scan.id_kind, SB_ID_ABSENT);
}

TEST(JsonScan, ComparesKeysByTheirDecodedText_A28) {
    Scanned s(R"({"\u0069d":1,"m\u0065thod":"x","\u0073\u0065\u0073\u0073\u0069\u006f\u006e)"
              R"(\u0049\u0064":"s","p\u0061rams":{"_m\u0065ta":{"pr\u006Fgr\u0065ssToken":1}}})");
    ASSERT_EQ(s.status, SB_SCAN_OK);
    EXPECT_EQ(Text(s.scan.id), "1");
    EXPECT_EQ(Text(s.scan.method), R"("x")");
    EXPECT_EQ(Text(s.scan.session), R"("s")");
    EXPECT_EQ(Text(s.scan.meta_token), "1");
    EXPECT_EQ(Scanned(R"({"\u0069\u0064\u0000":1})").scan.id_kind, SB_ID_ABSENT);
    EXPECT_EQ(Scanned(R"({"\\u0069d":1})").scan.id_kind, SB_ID_ABSENT);
    EXPECT_EQ(Scanned(R"({"ID":1,"Id":2,"id ":3,"i":4,"":5})").scan.id_kind, SB_ID_ABSENT);
}

TEST(JsonScan, IgnoresTheSameKeysElsewhere_A28) {
    Scanned s(R"({"x":{"id":1,"method":"a","sessionId":"b","pool":"c","result":1},)"
              R"("y":[{"id":2,"params":{"sessionId":"d"}}],)"
              R"("params":[{"sessionId":"e","progressToken":1}],)"
              R"("result":{"x":{"sessionId":"f"},"id":9},"error":{"id":3}})");
    ASSERT_EQ(s.status, SB_SCAN_OK);
    EXPECT_EQ(s.scan.id_kind, SB_ID_ABSENT);
    for (sb_token t :
         {s.scan.method, s.scan.session, s.scan.pool, s.scan.params_session, s.scan.progress_token,
          s.scan.meta_token, s.scan.request_id, s.scan.params_id, s.scan.result_session})
        EXPECT_EQ(Text(t), "(absent)");
    EXPECT_EQ(Text(s.scan.error), R"({"id":3})");

    Scanned deep(R"({"params":{"x":{"sessionId":"a"},"_meta":{"x":{"progressToken":1},)"
                 R"("sessionId":"b"},"y":[{"progressToken":2}]}})");
    EXPECT_EQ(Text(deep.scan.params_session), "(absent)");
    EXPECT_EQ(Text(deep.scan.meta_token), "(absent)");
    EXPECT_EQ(Text(deep.scan.progress_token), "(absent)");
}

TEST(JsonScan, LetsTheLastOfRepeatedKeysCount_A28) {
    Scanned s(R"({"id":1,"id":"two","pool":"a","pool":5,"params":{"sessionId":"x","_meta":)"
              R"({"progressToken":1},"_meta":{}},"params":{"progressToken":3},)"
              R"("result":{"sessionId":"q"},"result":[]})");
    ASSERT_EQ(s.status, SB_SCAN_OK);
    EXPECT_EQ(Text(s.scan.id), R"("two")");
    EXPECT_EQ(s.scan.id_kind, SB_ID_STRING);
    EXPECT_EQ(Text(s.scan.pool), "(absent)");
    EXPECT_EQ(Text(s.scan.params_session), "(absent)");
    EXPECT_EQ(Text(s.scan.meta_token), "(absent)");
    EXPECT_EQ(Text(s.scan.progress_token), "3");
    EXPECT_EQ(Text(s.scan.result), "[]");
    EXPECT_EQ(Text(s.scan.result_session), "(absent)");
}

TEST(JsonScan, IgnoresMembersOfTheWrongType_A28) {
    Scanned s(R"({"method":1,"sessionId":2,"pool":null,"params":{"sessionId":{},)"
              R"("progressToken":null,"requestId":[],"id":true,"_meta":"x"},)"
              R"("result":{"sessionId":4}})");
    ASSERT_EQ(s.status, SB_SCAN_OK);
    for (sb_token t :
         {s.scan.method, s.scan.session, s.scan.pool, s.scan.params_session, s.scan.progress_token,
          s.scan.request_id, s.scan.params_id, s.scan.meta_token, s.scan.result_session})
        EXPECT_EQ(Text(t), "(absent)");
    EXPECT_NE(s.scan.params.p, nullptr);
}

TEST(JsonScan, TakesWhitespaceAndEmptyStringsEverywhere_A28) {
    Scanned s(" \t\r\n{ \n\"id\"\t:\r\n\"\" , \"method\" : \"\" ,\"params\" : [ ] , "
              "\"sessionId\":\"\" , \"\" : { } } \r\n\t ");
    ASSERT_EQ(s.status, SB_SCAN_OK);
    EXPECT_EQ(Text(s.scan.id), "\"\"");
    EXPECT_EQ(Text(s.scan.method), "\"\"");
    EXPECT_EQ(Text(s.scan.session), "\"\"");
    EXPECT_EQ(Text(s.scan.params), "[ ]");
}

TEST(JsonScan, TellsBatchesAndScalarsFromMessages_A28) {
    for (const char *json : {"[]", " [ ] ", R"([{"id":1,"method":"m"}])", "[[[]],1]"})
        EXPECT_EQ(StatusOf(json), SB_SCAN_BATCH) << json;
    for (const char *json : {"1", "\"x\"", "null", "true", " -1.5e+3 "})
        EXPECT_EQ(StatusOf(json), SB_SCAN_SCALAR) << json;
    EXPECT_EQ(Scanned(R"([{"id":1,"method":"m"}])").scan.id_kind, SB_ID_ABSENT);
}

TEST(JsonScan, AcceptsWhatTheGrammarAllows_A28) {
    for (const char *json :
         {R"({"a":0})", R"({"a":-0})", R"({"a":0.0})", R"({"a":1E+2})", R"({"a":1e-2})",
          R"({"a":123.456e789})", R"({"a":[true,false,null]})", R"({"a":"\"\\\/\b\f\n\r\t"})",
          R"({"a":"\u0000"})", R"({"a":"\ud800"})", R"({"a":"\uDC00\uD800"})",
          R"({"a":"\uD83D\uDE00"})", "{\"a\":\"\x7f\"}", "{\"a\":\"\xC2\x80\xDF\xBF\"}",
          "{\"a\":\"\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF\"}",
          "{\"a\":\"\xF0\x90\x80\x80\xF4\x8F\xBF\xBF\"}", R"({"a":{},"a":[{}]})"})
        EXPECT_EQ(StatusOf(json), SB_SCAN_OK) << json;
}

TEST(JsonScan, RefusesWhatTheGrammarDoesNot_A28_L37) {
    for (const char *json : {"",
                             " ",
                             "{",
                             "}",
                             "[",
                             "]",
                             "{]",
                             "[}",
                             "{}{}",
                             R"({"a":1}{"b":2})",
                             "{} x",
                             "{},",
                             "{,}",
                             R"({"a"})",
                             R"({"a":})",
                             R"({"a":1,})",
                             R"({"a":1 "b":2})",
                             R"({"a":1,,"b":2})",
                             R"({a:1})",
                             "{'a':1}",
                             R"({1:2})",
                             R"({"a"::1})",
                             R"({"a":1:2})",
                             "[1,]",
                             "[,1]",
                             "[1 2]",
                             R"(["a":1])",
                             R"({"a":[1}])",
                             R"({"a":01})",
                             R"({"a":-})",
                             R"({"a":+1})",
                             R"({"a":.5})",
                             R"({"a":1.})",
                             R"({"a":1.e2})",
                             R"({"a":1e})",
                             R"({"a":1e+})",
                             R"({"a":0x10})",
                             R"({"a":-01})",
                             R"({"a":1a})",
                             R"({"a":NaN})",
                             R"({"a":Infinity})",
                             R"({"a":tru})",
                             R"({"a":truex})",
                             R"({"a":True})",
                             R"({"a":nul})",
                             R"({"a":undefined})",
                             R"({"a":"\x41"})",
                             R"({"a":"\u12G4"})",
                             R"({"a":"\u123"})",
                             R"({"a":"\U0041"})",
                             R"({"a":"\'"})",
                             R"({"a":"\0"})",
                             "{\"a\":\"\t\"}",
                             "{\"a\":\"\n\"}",
                             "{\"a\":\"\x1f\"}",
                             "{\"a\":1}\x01",
                             "{\"a\"\x0b:1}",
                             "{\"a\":1}\xC2\xA0",
                             "/**/{}",
                             "{}//",
                             "\xEF\xBB\xBF{}",
                             "hello",
                             "-",
                             "\"",
                             "\"\\",
                             "nul",
                             "--1"})
        EXPECT_EQ(StatusOf(json), SB_SCAN_INVALID) << json;
    EXPECT_EQ(StatusOf(std::string("{\"a\":\"x\0y\"}", 11)), SB_SCAN_INVALID);
    EXPECT_EQ(StatusOf(std::string("{}\0", 3)), SB_SCAN_INVALID);
}

TEST(JsonScan, RefusesInvalidUtf8AtEveryOffset_A28_L37) {
    const char *bad[] = {"\x80",
                         "\xBF",
                         "\xC0\x80",
                         "\xC1\xBF",
                         "\xC2",
                         "\xC2\x20",
                         "\xC2\xC2\x80",
                         "\xE0\x80\x80",
                         "\xE0\x9F\xBF",
                         "\xE1\x80",
                         "\xE1\x80\x20",
                         "\xED\xA0\x80",
                         "\xED\xBF\xBF",
                         "\xEF\xBF",
                         "\xF0\x80\x80\x80",
                         "\xF0\x8F\xBF\xBF",
                         "\xF1\x80\x80",
                         "\xF4\x90\x80\x80",
                         "\xF5\x80\x80\x80",
                         "\xF8\x88\x80\x80\x80",
                         "\xFE",
                         "\xFF"};
    for (const char *sequence : bad) {
        for (size_t before = 0; before < 40; before++) {
            std::string json = "{\"a\":\"" + std::string(before, 'x') + sequence + "zz\"}";
            Scanned s(json);
            EXPECT_EQ(s.status, SB_SCAN_INVALID) << before;
            EXPECT_EQ(s.scan.error_at, 6 + before);
            EXPECT_STREQ(s.scan.error_text, "invalid UTF-8");
            EXPECT_EQ(StatusOf("{\"" + std::string(before, 'k') + sequence + "\":1}"),
                      SB_SCAN_INVALID);
        }
    }
    EXPECT_EQ(StatusOf("{\"a\":\xC3\xA4}"), SB_SCAN_INVALID);
}

TEST(JsonScan, FindsAStopByteAtEveryOffsetOfALongRun_A28) {
    for (size_t before = 0; before < 70; before++) {
        std::string run(before, 'x');
        EXPECT_EQ(StatusOf("{\"a\":\"" + run + "\"}"), SB_SCAN_OK);
        EXPECT_EQ(StatusOf("{\"a\":\"" + run + "\\n" + run + "\"}"), SB_SCAN_OK);
        EXPECT_EQ(StatusOf("{\"a\":\"" + run + "\xC3\xA4" + run + "\"}"), SB_SCAN_OK);
        for (char stop : {'\0', '\n', '\x1f'})
            EXPECT_EQ(StatusOf("{\"a\":\"" + run + stop + run + "\"}"), SB_SCAN_INVALID);
        EXPECT_EQ(StatusOf("{\"a\":\"" + run + "\"" + run + "y"), SB_SCAN_INVALID);
    }
}

TEST(JsonScan, RefusesAMessageCutAtAnyByte_A28) {
    const std::string whole =
        "{\"jsonrpc\":\"2.0\",\"id\":-1.5e3,\"method\":\"a\\u00e4\\n\",\"params\":{\"_meta\":"
        "{\"progressToken\":\"t\"},\"x\":[true,null,{\"y\":\"\xE2\x82\xAC\xF0\x9F\x98\x80\"}]},"
        "\"sessionId\":\"s\"}";
    ASSERT_EQ(StatusOf(whole), SB_SCAN_OK);
    for (size_t n = 0; n < whole.size(); n++) {
        Scanned s(whole.substr(0, n));
        EXPECT_EQ(s.status, SB_SCAN_INVALID) << n;
        EXPECT_LE(s.scan.error_at, n);
        EXPECT_NE(s.scan.error_text, nullptr);
        EXPECT_EQ(s.scan.id_kind, SB_ID_ABSENT);
    }
}

TEST(JsonScan, SaysWhereAndWhatWasExpected_A28) {
    struct {
        const char *json;
        size_t at;
        const char *text;
    } cases[] = {
        {R"({"a" 1})", 5, "expected ':'"},
        {R"({"a":1 "b")", 7, "expected ',' or '}'"},
        {"[1 2]", 3, "expected ',' or ']'"},
        {R"({"a":1,})", 7, "expected a key"},
        {R"({1})", 1, "expected a key or '}'"},
        {R"({"a":x})", 5, "expected a value"},
        {R"({"a":012})", 6, "a number must not begin with 0"},
        {"{} {}", 3, "unexpected text after the value"},
        {"", 0, "unexpected end of text, expected a value"},
        {R"({"a":1)", 6, "unexpected end of text inside an object"},
    };
    for (auto &c : cases) {
        Scanned s(c.json);
        ASSERT_EQ(s.status, SB_SCAN_INVALID) << c.json;
        EXPECT_EQ(s.scan.error_at, c.at) << c.json;
        EXPECT_STREQ(s.scan.error_text, c.text) << c.json;
    }
}

TEST(JsonScan, NestsToAnyDepth_A28) {
    for (size_t depth : {1, 63, 64, 65, 1022, 1023, 1024, 1025, 2047, 2048, 10000, 1000000}) {
        std::string open, close;
        for (size_t i = 0; i < depth; i++) {
            bool object = i * 7919 % 3 == 0;
            open += object ? "{\"k\":" : "[";
            close += object ? '}' : ']';
        }
        std::reverse(close.begin(), close.end());
        const std::string after = ",\"pool\":\"p\"}";
        std::string message = "{\"id\":1,\"params\":" + open + "0" + close + after;
        Scanned s(message);
        ASSERT_EQ(s.status, SB_SCAN_OK) << depth;
        EXPECT_EQ(Text(s.scan.pool), "\"p\"");
        for (size_t wrong : {size_t(0), depth / 2, depth - 1}) {
            std::string broken = message;
            char &c = broken[message.size() - after.size() - 1 - wrong];
            c = c == ']' ? '}' : ']';
            EXPECT_EQ(StatusOf(broken), SB_SCAN_INVALID) << depth << " " << wrong;
        }
    }
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
