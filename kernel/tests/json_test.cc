// The routing scan: what it finds, what it refuses, and that it looks at every byte once.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "json_scanned.h"

namespace {

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

} // namespace
