// The configuration: everything it may hold, and every complaint with its JSON path.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

extern "C" {
#include "config.h"
#include "os/path.h"
}

namespace {

struct Problem {
    bool warning;
    std::string path, message;
    bool operator==(const Problem &other) const {
        return warning == other.warning && path == other.path && message == other.message;
    }
};

std::ostream &operator<<(std::ostream &out, const Problem &p) {
    return out << (p.warning ? "warning " : "error ") << p.path << ": " << p.message;
}

void Collect(void *user, int is_warning, const char *path, const char *message) {
    static_cast<std::vector<Problem> *>(user)->push_back({is_warning != 0, path, message});
}

// A parsed configuration with what was said about it.
struct Parsed {
    sb_config config = {};
    std::vector<Problem> problems;
    int errors;

    explicit Parsed(const std::string &json, const char *base = nullptr) {
        errors = sb_config_parse(json.data(), json.size(), base, &config, Collect, &problems);
    }
    ~Parsed() {
        sb_config_free(&config);
    }
    Parsed(const Parsed &) = delete;
};

std::vector<Problem> Check(const std::string &json) {
    std::vector<Problem> problems;
    int errors = stdio_bus_config_check(json.data(), json.size(), Collect, &problems);
    int counted = 0;
    for (auto &p : problems)
        counted += !p.warning;
    EXPECT_EQ(errors, counted) << json;
    EXPECT_EQ(stdio_bus_config_check(json.data(), json.size(), nullptr, nullptr), errors);
    return problems;
}

std::string WithPool(const std::string &members) {
    return R"({"pools":[{"id":"p","command":"cat","instances":1)" +
           (members.empty() ? "" : "," + members) + "}]}";
}

std::string WithLimit(const std::string &members) {
    return R"({"pools":[{"id":"p","command":"cat","instances":1}],"limits":{)" + members + "}}";
}

using Problems = std::vector<Problem>;

TEST(Config, ReadsEveryMember_A5) {
    Parsed p(
        R"({"pools":[{"id":"agent","command":"node","args":["a.js","","ä\u00e4"],"instances":2,)"
        R"("env":{"KEY":"value","EMPTY":"","_X":"1","A B":"c=d"},"cwd":"/srv/agent",)"
        R"("envelope":"standard","stderr":"inherit","inherit_env":false,"dialect":"Mcp",)"
        R"("default_method":"run"},)"
        R"({"id":"second","command":"/bin/cat","instances":1}],"limits":{)"
        R"("max_input_buffer":1,"max_output_queue":2,"max_restarts":3,"restart_window_sec":4,)"
        R"("drain_timeout_sec":5,"backpressure_timeout_sec":6,"max_sessions":7,"max_pending":8,)"
        R"("max_clients":9,"startup_timeout_sec":10},)"
        R"("transport":{"framing":"ndjson","protocol":"json"}})");
    ASSERT_EQ(p.errors, 0);
    EXPECT_EQ(p.problems, Problems{});
    ASSERT_EQ(p.config.pool_count, 2u);
    const sb_pool_config &a = p.config.pools[0], &b = p.config.pools[1];
    EXPECT_STREQ(a.id, "agent");
    EXPECT_STREQ(a.command, "node");
    EXPECT_STREQ(a.args[0], "a.js");
    EXPECT_STREQ(a.args[1], "");
    EXPECT_STREQ(a.args[2], "\xC3\xA4\xC3\xA4");
    EXPECT_EQ(a.args[3], nullptr);
    EXPECT_STREQ(a.env[0], "KEY=value");
    EXPECT_STREQ(a.env[1], "EMPTY=");
    EXPECT_STREQ(a.env[2], "_X=1");
    EXPECT_STREQ(a.env[3], "A B=c=d");
    EXPECT_EQ(a.env[4], nullptr);
    EXPECT_STREQ(a.cwd, "/srv/agent");
    EXPECT_EQ(a.instances, 2);
    EXPECT_TRUE(a.standard);
    EXPECT_FALSE(a.capture_stderr);
    EXPECT_FALSE(a.inherit_env);
    EXPECT_STREQ(b.id, "second");
    EXPECT_TRUE(b.inherit_env);
    const sb_limits &l = p.config.limits;
    EXPECT_EQ(l.max_input_buffer, 1u);
    EXPECT_EQ(l.max_output_queue, 2u);
    EXPECT_EQ(l.max_restarts, 3u);
    EXPECT_EQ(l.restart_window_sec, 4u);
    EXPECT_EQ(l.drain_timeout_sec, 5u);
    EXPECT_EQ(l.backpressure_timeout_sec, 6u);
    EXPECT_EQ(l.max_sessions, 7u);
    EXPECT_EQ(l.max_pending, 8u);
    EXPECT_EQ(l.max_clients, 9u);
    EXPECT_EQ(l.startup_timeout_sec, 10u);
}

TEST(Config, FillsInTheDefaults_A5) {
    Parsed p(WithPool(""));
    ASSERT_EQ(p.errors, 0);
    const sb_pool_config &pool = p.config.pools[0];
    EXPECT_EQ(pool.args[0], nullptr);
    EXPECT_EQ(pool.env[0], nullptr);
    EXPECT_EQ(pool.cwd, nullptr);
    EXPECT_FALSE(pool.standard);
    EXPECT_TRUE(pool.capture_stderr);
    const sb_limits &l = p.config.limits;
    EXPECT_EQ(l.max_input_buffer, 10485760u);
    EXPECT_EQ(l.max_output_queue, 41943040u);
    EXPECT_EQ(l.max_restarts, 5u);
    EXPECT_EQ(l.restart_window_sec, 60u);
    EXPECT_EQ(l.drain_timeout_sec, 30u);
    EXPECT_EQ(l.backpressure_timeout_sec, 60u);
    EXPECT_EQ(l.max_sessions, 65536u);
    EXPECT_EQ(l.max_pending, 65536u);
    EXPECT_EQ(l.max_clients, 1024u);
    EXPECT_EQ(l.startup_timeout_sec, 30u);
}

TEST(Config, ZeroMeansTheDefaultDrainAndNoRestarts) {
    Parsed p(WithLimit(R"("drain_timeout_sec":0,"max_restarts":0)"));
    ASSERT_EQ(p.errors, 0);
    EXPECT_EQ(p.config.limits.drain_timeout_sec, 30u);
    EXPECT_EQ(p.config.limits.max_restarts, 0u);
}

TEST(Config, NamesWhatIsMissing_A3) {
    EXPECT_EQ(Check("{}"), (Problems{{false, "$.pools", "required, but missing"}}));
    EXPECT_EQ(Check(R"({"pools":[]})"),
              (Problems{{false, "$.pools", "expected at least one pool"}}));
    EXPECT_EQ(Check(R"({"pools":[{}]})"),
              (Problems{{false, "$.pools[0].id", "required, but missing"},
                        {false, "$.pools[0].command", "required, but missing"},
                        {false, "$.pools[0].instances", "required, but missing"}}));
}

TEST(Config, ReportsSeveralProblemsAtOnce_A3) {
    EXPECT_EQ(
        Check(R"({"pools":[{"id":"","command":7,"instances":0},)"
              R"({"id":"x","command":"c","instances":1,"args":"a"}],"limits":{"max_pending":-1},)"
              R"("colour":1})"),
        (Problems{
            {false, "$.pools[0].id", "must not be empty"},
            {false, "$.pools[0].command", "expected a string, found a number"},
            {false, "$.pools[0].instances", "expected a whole number from 1 to 4096, found 0"},
            {false, "$.pools[1].args", "expected an array, found a string"},
            {false, "$.limits.max_pending",
             "expected a whole number from 1 to 100000000, found -1"},
            {true, "$.colour", "unknown key \"colour\" is ignored"},
        }));
}

TEST(Config, RefusesInstancesThatAreNoCount_A3) {
    for (const char *text : {"0", "-1", "1.5", "1e3", "4097", "99999999999999999999999", "\"1\"",
                             "null", "true", "[]", "{}"}) {
        auto problems =
            Check(std::string(R"({"pools":[{"id":"p","command":"c","instances":)") + text + "}]}");
        ASSERT_EQ(problems.size(), 1u) << text;
        EXPECT_EQ(problems[0].path, "$.pools[0].instances");
        EXPECT_NE(problems[0].message.find("expected a whole number from 1 to 4096, found"),
                  std::string::npos)
            << problems[0];
    }
    EXPECT_EQ(Check(R"({"pools":[{"id":"p","command":"c","instances":4096}]})"), Problems{});
}

TEST(Config, ChecksTheRangeOfEveryLimit_A3) {
    struct {
        const char *name;
        uint64_t min, max;
    } limits[] = {
        {"max_input_buffer", 1, 2147483647}, {"max_output_queue", 1, 1099511627776},
        {"max_restarts", 0, 1000000},        {"restart_window_sec", 1, 86400},
        {"drain_timeout_sec", 0, 86400},     {"backpressure_timeout_sec", 1, 86400},
        {"max_sessions", 1, 100000000},      {"max_pending", 1, 100000000},
        {"max_clients", 1, 1000000},         {"startup_timeout_sec", 1, 86400},
    };
    for (auto &limit : limits) {
        auto check = [&](const std::string &value) {
            return Check(WithLimit(std::string("\"") + limit.name + "\":" + value));
        };
        EXPECT_EQ(check(std::to_string(limit.min)), Problems{}) << limit.name;
        EXPECT_EQ(check(std::to_string(limit.max)), Problems{}) << limit.name;
        std::vector<std::string> bad = {
            std::to_string(limit.max + 1), "-1", "18446744073709551616", "2.0", "null", "\"5\""};
        if (limit.min > 0)
            bad.push_back("0");
        for (auto &value : bad) {
            auto problems = check(value);
            ASSERT_EQ(problems.size(), 1u) << limit.name << " " << value;
            EXPECT_EQ(problems[0].path, std::string("$.limits.") + limit.name);
            EXPECT_EQ(problems[0].message.rfind("expected a whole number from " +
                                                    std::to_string(limit.min) + " to " +
                                                    std::to_string(limit.max) + ", found ",
                                                0),
                      0u)
                << problems[0];
        }
    }
}

TEST(Config, RefusesIdsUsedTwice_A3) {
    EXPECT_EQ(Check(R"({"pools":[{"id":"a","command":"c","instances":1},)"
                    R"({"id":"b","command":"c","instances":1},)"
                    R"({"id":"\u0061","command":"c","instances":1}]})"),
              (Problems{{false, "$.pools[2].id",
                         "\"a\" is the id of pool 0 already; ids must be unique"}}));
}

TEST(Config, RefusesKeysGivenTwice) {
    EXPECT_EQ(Check(WithPool(R"("command":"d")")),
              (Problems{{false, "$.pools[0].command", "the key is given more than once"}}));
    EXPECT_EQ(Check(WithPool(R"("env":{"A":"1","A":"2","AB":"3"})")),
              (Problems{{false, "$.pools[0].env.A", "the key is given more than once"}}));
}

TEST(Config, WarnsOfUnknownKeysAndPassesComments_A3_A5) {
    EXPECT_EQ(Check(R"({"_comment":[1,{"x":2}],"_":0,"_comment":"again","pools":[{"id":"p",)"
                    R"("command":"c","instances":1,"_note":"x","Args":[],"wei\"rd key":1}],)"
                    R"("limits":{"_why":"x","max_clients ":1},"transport":{"color":1}})"),
              (Problems{
                  {true, "$.pools[0].Args", "unknown key \"Args\" is ignored"},
                  {true, R"($.pools[0]["wei\"rd key"])", R"(unknown key "wei\"rd key" is ignored)"},
                  {true, R"($.limits["max_clients "])", R"(unknown key "max_clients " is ignored)"},
                  {true, "$.transport.color", "unknown key \"color\" is ignored"},
              }));
}

TEST(Config, RefusesOtherFramingsAndProtocols) {
    EXPECT_EQ(Check(R"({"transport":{"framing":"lsp","protocol":1},)" + WithPool("").substr(1)),
              (Problems{{false, "$.transport.framing", "expected \"ndjson\", found \"lsp\""},
                        {false, "$.transport.protocol", "expected \"json\", found a number"}}));
}

TEST(Config, ChecksEveryTypeInAPool_A3) {
    struct {
        const char *members, *path, *message;
    } cases[] = {
        {R"("args":[1])", "$.pools[0].args[0]", "expected a string, found a number"},
        {R"("args":["a",null])", "$.pools[0].args[1]", "expected a string, found null"},
        {R"("args":{})", "$.pools[0].args", "expected an array, found an object"},
        {R"("env":[])", "$.pools[0].env", "expected an object, found an array"},
        {R"("inherit_env":"no")", "$.pools[0].inherit_env", "expected a boolean, found a string"},
        {R"("env":{"K":true})", "$.pools[0].env.K", "expected a string, found a boolean"},
        {R"("env":{"A=B":""})", R"($.pools[0].env["A=B"])",
         "the name of a variable must not contain '='"},
        {R"("env":{"":""})", R"($.pools[0].env[""])", "must not be empty"},
        {R"("cwd":"")", "$.pools[0].cwd", "must not be empty"},
        {R"("cwd":5)", "$.pools[0].cwd", "expected a string, found a number"},
        {R"("envelope":"Standard")", "$.pools[0].envelope",
         "expected \"stdiobus\" or \"standard\", found \"Standard\""},
        {R"("envelope":null)", "$.pools[0].envelope",
         "expected \"stdiobus\" or \"standard\", found null"},
        {R"("stderr":"drop")", "$.pools[0].stderr",
         "expected \"capture\" or \"inherit\", found \"drop\""},
    };
    for (auto &c : cases)
        EXPECT_EQ(Check(WithPool(c.members)), (Problems{{false, c.path, c.message}})) << c.members;
    EXPECT_EQ(Check(R"({"pools":{}})"),
              (Problems{{false, "$.pools", "expected an array, found an object"}}));
    EXPECT_EQ(Check(R"({"pools":[3]})"),
              (Problems{{false, "$.pools[0]", "expected an object, found a number"}}));
    EXPECT_EQ(Check(WithPool("").substr(0, WithPool("").size() - 1) + R"(,"limits":[]})"),
              (Problems{{false, "$.limits", "expected an object, found an array"}}));
}

TEST(Config, ReadsAHandshake) {
    Parsed p(WithPool(R"("handshake":[
        {"_why":"MCP","id":-7, "method":"a\u0062", "params": {"x" : [1.50,
        "\u00e4"]}},
        {"method":"note","jsonrpc":"2.0"},
        {"jsonrpc":"2.0","id":"\u0061\"","method":"stdio_bus/hello","params":[]}])"));
    ASSERT_EQ(p.problems, Problems{});
    const sb_pool_config &pool = p.config.pools[0];
    ASSERT_EQ(pool.handshake_count, 3u);
    const sb_greeting *h = pool.handshake;
    EXPECT_STREQ(h[0].text, R"({"jsonrpc":"2.0","id":-7,"method":"a\u0062","params":{"x" : [1.50,)"
                            R"(         "\u00e4"]}})");
    EXPECT_STREQ(h[0].method, "ab");
    EXPECT_STREQ(h[0].id, "-7");
    EXPECT_STREQ(h[1].text, R"({"jsonrpc":"2.0","method":"note"})");
    EXPECT_EQ(h[1].id, nullptr);
    EXPECT_STREQ(h[2].id, R"("a"")");
    EXPECT_STREQ(h[2].text, R"({"jsonrpc":"2.0","id":"\u0061\"","method":"stdio_bus/hello",)"
                            R"("params":[]})");
}

TEST(Config, AHandshakeIsMadeOfTheMembersOfThoseNamesAlone) {
    Parsed p(WithPool(R"("handshake":[{"id\u0000":9,"method":"a","params\u0000x":[]}])"));
    ASSERT_EQ(p.config.pool_count, 1u);
    EXPECT_STREQ(p.config.pools[0].handshake->text, R"({"jsonrpc":"2.0","method":"a"})");
    EXPECT_EQ(p.config.pools[0].handshake->id, nullptr);
}

TEST(Config, ChecksEveryMessageOfAHandshake) {
    const std::string at = "$.pools[0].handshake";
    struct {
        const char *value;
        Problem problem;
    } cases[] = {
        {"{}", {false, at, "expected an array, found an object"}},
        {R"([{"method":"a"},"initialize"])",
         {false, at + "[1]", "expected an object, found a string"}},
        {R"([{"id":1}])", {false, at + "[0].method", "required, but missing"}},
        {R"([{"method":1}])", {false, at + "[0].method", "expected a string, found a number"}},
        {R"([{"method":""}])", {false, at + "[0].method", "must not be empty"}},
        {R"([{"method":"stdio_bus/\u0061uth"}])",
         {false, at + "[0].method", "methods that begin with stdio_bus/ are for the bus itself"}},
        {R"([{"method":"a","jsonrpc":"1.0"}])",
         {false, at + "[0].jsonrpc", R"(expected "2.0", found "1.0")"}},
        {R"([{"method":"a","id":null}])",
         {false, at + "[0].id", "expected a string or a whole number, found null"}},
        {R"([{"method":"a","id":1.5}])",
         {false, at + "[0].id", "expected a string or a whole number, found 1.5"}},
        {R"([{"method":"a","id":1,"id":2}])",
         {false, at + "[0].id", "the key is given more than once"}},
        {R"([{"method":"a","params":"x"}])",
         {false, at + "[0].params", "expected an object or an array, found a string"}},
        {R"([{"method":"a","parms":{}}])",
         {true, at + "[0].parms", R"(unknown key "parms" is ignored)"}},
        {R"([{"method":"a","id\u0000":1}])",
         {true, at + R"([0]["id\u0000"])", R"(unknown key "id\u0000" is ignored)"}},
    };
    for (const auto &c : cases)
        EXPECT_EQ(Check(WithPool(std::string(R"("handshake":)") + c.value)), Problems{c.problem})
            << c.value;
}

TEST(Config, RefusesNulAndLoneSurrogatesInStrings) {
    for (const char *members : {R"("cwd":"a\u0000b")", R"("args":["\u0000"])",
                                R"("env":{"A\u0000":""})", R"("env":{"A":"\u0000"})"}) {
        auto problems = Check(WithPool(members));
        ASSERT_EQ(problems.size(), 1u) << members;
        EXPECT_EQ(problems[0].message, "must not contain the character U+0000");
    }
    EXPECT_EQ(Check(WithPool(R"("args":["x","\ud800"])")),
              (Problems{{false, "$.pools[0].args[1]",
                         "contains a lone surrogate, which is no character"}}));
    EXPECT_EQ(Check(WithPool(R"("args":["\ud83d\ude00"])")), Problems{});
}

TEST(Config, NeverShowsValuesOfTheEnvironment) {
    for (const char *members :
         {R"("env":{"A=":"hush-hush"})", R"("env":{"A":["hush-hush"]})",
          R"("env":{"A":"hush-hush\u0000"})", R"("env":{"A":"1","A":"hush-hush"})"}) {
        auto problems = Check(WithPool(members));
        ASSERT_EQ(problems.size(), 1u);
        EXPECT_EQ(problems[0].message.find("hush"), std::string::npos) << problems[0];
    }
}

TEST(Config, ReadsEscapesInKeysAndValues_L37) {
    Parsed p(R"({"p\u006fols":[{"\u0069d":"\u00e4\uD83D\uDE00","command":"c","instances":1}]})");
    ASSERT_EQ(p.errors, 0);
    EXPECT_STREQ(p.config.pools[0].id, "\xC3\xA4\xF0\x9F\x98\x80");
}

TEST(Config, SaysWhereJsonIsBroken_A5_L37) {
    struct {
        const char *json, *message;
    } cases[] = {
        {"", "not valid JSON at line 1, column 1: unexpected end of text, expected a value"},
        {"{\n  pools: []}", "not valid JSON at line 2, column 3: expected a key or '}'"},
        {"{\"pools\":[]} x",
         "not valid JSON at line 1, column 14: unexpected text after the value"},
        {"{\"pools\":[}", "not valid JSON at line 1, column 11: expected a value"},
        {"{\"pools\":[],}", "not valid JSON at line 1, column 13: expected a key"},
        {"// c\n{}", "not valid JSON at line 1, column 1: expected a value"},
        {"{\"a\":\"\xFF\"}", "not valid JSON at line 1, column 7: invalid UTF-8"},
    };
    for (auto &c : cases)
        EXPECT_EQ(Check(c.json), (Problems{{false, "$", c.message}})) << c.json;
    EXPECT_EQ(Check("[]"), (Problems{{false, "$", "expected an object, found an array"}}));
    EXPECT_EQ(Check("null"), (Problems{{false, "$", "expected an object, found null"}}));
}

TEST(Config, RefusesAConfigurationCutAtAnyByte_A5) {
    const std::string whole = WithPool(R"("args":["\u00e4"],"env":{"K":"v"})");
    ASSERT_EQ(Check(whole), Problems{});
    for (size_t n = 0; n < whole.size(); n++) {
        auto problems = Check(whole.substr(0, n));
        ASSERT_EQ(problems.size(), 1u) << n;
        EXPECT_EQ(problems[0].path, "$");
    }
}

TEST(Config, AcceptsOneByteOrderMark_A5) {
    EXPECT_EQ(Check("\xEF\xBB\xBF" + WithPool("")), Problems{});
    EXPECT_EQ(Check("\xEF\xBB\xBF\xEF\xBB\xBF" + WithPool("")).size(), 1u);
    EXPECT_EQ(Check("\xEF\xBB\xBF").size(), 1u);
}

TEST(Config, TakesFourMebibytesAndNotOneByteMore_A5) {
    std::string json = WithPool("");
    json += std::string(SB_CONFIG_MAX_BYTES - json.size(), ' ');
    EXPECT_EQ(Check(json), Problems{});
    EXPECT_EQ(Check(json + " "),
              (Problems{{false, "$", "longer than the 4194304 bytes that are allowed"}}));
}

TEST(Config, RefusesToNestWithoutEnd) {
    std::string deep = R"({"_x":)" + std::string(100000, '[') + std::string(100000, ']') + "}";
    auto problems = Check(deep);
    ASSERT_EQ(problems.size(), 1u);
    EXPECT_NE(problems[0].message.find("nested deeper than 64 levels"), std::string::npos);
    std::string fine =
        R"({"_x":)" + std::string(63, '[') + std::string(63, ']') + "," + WithPool("").substr(1);
    EXPECT_EQ(Check(fine), Problems{});
}

TEST(Config, ReadsALargeConfiguration) {
    std::string json = R"({"pools":[)";
    for (int i = 0; i < 2000; i++) {
        json += i ? "," : "";
        json += R"({"id":"pool )" + std::to_string(i) +
                R"(","command":"c","instances":1,"args":[)" + "\"" + std::string(500, 'x') + "\"]}";
    }
    Parsed p(json + "]}");
    EXPECT_EQ(p.errors, 0);
    EXPECT_EQ(p.config.pool_count, 2000u);
    EXPECT_STREQ(p.config.pools[1999].id, "pool 1999");
}

TEST(Config, ResolvesPathsAgainstTheGivenFolder) {
    auto pool = [](const char *command, const char *cwd) {
        return std::string(R"({"pools":[{"id":"p","instances":1,"command":")") + command +
               R"(","cwd":")" + cwd + "\"}]}";
    };
    Parsed relative(pool("bin/worker", "data"), "/srv/bus");
    ASSERT_EQ(relative.errors, 0);
    EXPECT_STREQ(relative.config.pools[0].command, "/srv/bus/bin/worker");
    EXPECT_STREQ(relative.config.pools[0].cwd, "/srv/bus/data");
    Parsed absolute(pool("/bin/cat", "/tmp"), "/srv/bus/");
    EXPECT_STREQ(absolute.config.pools[0].command, "/bin/cat");
    EXPECT_STREQ(absolute.config.pools[0].cwd, "/tmp");
    Parsed name(pool("cat", "x"), "/");
    EXPECT_STREQ(name.config.pools[0].command, "cat");
    EXPECT_STREQ(name.config.pools[0].cwd, "/x");
    Parsed here(pool("./cat", "x"));
    char *current = getcwd(nullptr, 0);
    EXPECT_EQ(here.config.pools[0].command, std::string(current) + "/./cat");
    EXPECT_EQ(here.config.pools[0].cwd, std::string(current) + "/x");
    std::free(current);
}

// A folder that is removed with what the test put there.
struct TempFolder {
    std::string path;
    std::vector<std::string> files;
    TempFolder() {
        char name[] = "/tmp/stdio_bus_config_XXXXXX";
        path = mkdtemp(name);
    }
    ~TempFolder() {
        for (auto &file : files)
            unlink(file.c_str());
        rmdir(path.c_str());
    }
    std::string Write(const std::string &name, const std::string &text) {
        files.push_back(path + "/" + name);
        std::ofstream(files.back(), std::ios::binary) << text;
        return files.back();
    }
};

TEST(ConfigFile, IsReadAndResolvedAgainstItsFolder_A5) {
    TempFolder folder;
    std::string file = folder.Write("bus.json", "\xEF\xBB\xBF" + WithPool(R"("cwd":"sub")"));
    sb_config config;
    Problems problems;
    ASSERT_EQ(sb_config_load(file.c_str(), &config, Collect, &problems), 0);
    EXPECT_EQ(config.pools[0].cwd, folder.path + "/sub");
    sb_config_free(&config);
}

TEST(ConfigFile, ThatCannotBeReadIsNamedWithTheReason_A5) {
    TempFolder folder;
    sb_config config;
    auto problem = [&](const std::string &path) {
        Problems problems;
        EXPECT_EQ(sb_config_load(path.c_str(), &config, Collect, &problems), 1) << path;
        return problems.empty() ? Problem{} : problems[0];
    };
    std::string missing = folder.path + "/missing.json";
    EXPECT_EQ(problem(missing), (Problem{false, "$", missing + ": No such file or directory"}));
    EXPECT_EQ(problem(folder.path), (Problem{false, "$", folder.path + ": Is a directory"}));
    std::string large = folder.Write("large.json", std::string(SB_CONFIG_MAX_BYTES + 10, ' '));
    EXPECT_EQ(problem(large).message, "longer than the 4194304 bytes that are allowed");
    std::string truncated = folder.Write("truncated.json", "{\"pools\":[");
    EXPECT_NE(problem(truncated).message.find("not valid JSON at line 1, column 11"),
              std::string::npos);
    if (geteuid() != 0) { // root may read anything
        std::string secret = folder.Write("secret.json", "{}");
        chmod(secret.c_str(), 0);
        EXPECT_EQ(problem(secret), (Problem{false, "$", secret + ": Permission denied"}));
    }
}

TEST(ConfigPath, FolderOfAFile) {
    auto folder = [](const char *path) {
        char *text = sb_path_folder(path);
        std::string result = text;
        std::free(text);
        return result;
    };
    char *current = getcwd(nullptr, 0);
    EXPECT_EQ(folder("/a/b.json"), "/a");
    EXPECT_EQ(folder("/b.json"), "/");
    EXPECT_EQ(folder("b.json"), current);
    EXPECT_EQ(folder("x/b.json"), std::string(current) + "/x");
    std::free(current);
}

} // namespace
