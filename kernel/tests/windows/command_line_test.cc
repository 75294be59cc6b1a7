// How arguments become a command line: by the rules of programs, and by those of cmd.exe.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include <shellapi.h>

extern "C" {
int sb_command_line(const char *command, char *const *args, wchar_t **line, const char **refused);
int sb_batch_command_line(const wchar_t *shell, const wchar_t *script, char *const *args,
                          wchar_t **line, const char **refused);
bool sb_is_batch_file(const wchar_t *path);
}

namespace {

struct Made {
    std::wstring line;
    std::string refused;
};

std::vector<char *> Pointers(const std::vector<std::string> &args) {
    std::vector<char *> pointers;
    for (const auto &arg : args)
        pointers.push_back(const_cast<char *>(arg.c_str()));
    pointers.push_back(nullptr);
    return pointers;
}

Made Take(int error, wchar_t *line, const char *refused) {
    Made made;
    EXPECT_EQ(error != 0, line == nullptr);
    if (line)
        made.line = line;
    made.refused = refused ? refused : "";
    free(line);
    return made;
}

Made ForProgram(const std::string &command, const std::vector<std::string> &args) {
    wchar_t *line = nullptr;
    const char *refused = nullptr;
    int error = sb_command_line(command.c_str(), Pointers(args).data(), &line, &refused);
    return Take(error, line, refused);
}

Made ForBatch(const std::wstring &script, const std::vector<std::string> &args) {
    wchar_t *line = nullptr;
    const char *refused = nullptr;
    int error = sb_batch_command_line(L"C:\\cmd.exe", script.c_str(), Pointers(args).data(), &line,
                                      &refused);
    return Take(error, line, refused);
}

const std::wstring kShell = L"\"C:\\cmd.exe\" /d /e:on /v:off /s /c ";

TEST(CommandLine, ArgumentsWithoutSpecialCharactersStandAsTheyAre) {
    EXPECT_EQ(ForProgram("node", {"agent.js", "--port=80", "a\\b\\"}).line,
              L"\"node\" agent.js --port=80 a\\b\\");
}

TEST(CommandLine, SpacesTabsAndNothingAtAllAreQuoted) {
    EXPECT_EQ(ForProgram("n", {"a b", "", "a\tb"}).line, L"\"n\" \"a b\" \"\" \"a\tb\"");
}

TEST(CommandLine, BackslashesAreDoubledOnlyBeforeAQuote) {
    EXPECT_EQ(ForProgram("n", {"a\\\\b c", "say \"hi\"", "x\\\"y", "c:\\my dir\\"}).line,
              L"\"n\" \"a\\\\b c\" \"say \\\"hi\\\"\" \"x\\\\\\\"y\" \"c:\\my dir\\\\\"");
}

TEST(CommandLine, ComesApartAgainAsItWas_L22) {
    std::vector<std::string> args = {"plain",
                                     "",
                                     "a b",
                                     "\"",
                                     "\\",
                                     "\\\\",
                                     "a\\\"b",
                                     "\\\\\"",
                                     "tail\\",
                                     "two words\\",
                                     "%PATH%",
                                     "a&b|c<d",
                                     "^",
                                     "!x!",
                                     "(y)",
                                     "häßlich",
                                     "\xE2\x82\xAC \xF0\x9F\x98\x80",
                                     "new\nline"};
    Made made = ForProgram("C:\\Program Files\\x.exe", args);
    int count = 0;
    wchar_t **parts = CommandLineToArgvW(made.line.c_str(), &count);
    ASSERT_EQ(count, static_cast<int>(args.size()) + 1);
    EXPECT_STREQ(parts[0], L"C:\\Program Files\\x.exe");
    for (int i = 1; i < count; i++) {
        char utf8[256];
        WideCharToMultiByte(CP_UTF8, 0, parts[i], -1, utf8, sizeof utf8, nullptr, nullptr);
        EXPECT_EQ(utf8, args[static_cast<size_t>(i) - 1]);
    }
    LocalFree(parts);
}

TEST(CommandLine, WhatIsLongerThanWindowsAllowsIsRefused) {
    Made made = ForProgram("n", {std::string(32768, 'a')});
    EXPECT_NE(made.refused.find("32767"), std::string::npos) << made.refused;
    EXPECT_NE(ForBatch(L"C:\\s.cmd", {std::string(8192, 'a')}).refused.find("8191"),
              std::string::npos);
}

TEST(CommandLine, WhatIsNoUtf8IsRefused) {
    EXPECT_NE(ForProgram("n", {"\xFF"}).refused.find("UTF-8"), std::string::npos);
    EXPECT_NE(ForBatch(L"C:\\s.cmd", {"\xC3"}).refused.find("UTF-8"), std::string::npos);
}

TEST(BatchCommandLine, BatchFilesAreKnownByTheirExtensions) {
    EXPECT_TRUE(sb_is_batch_file(L"C:\\a b\\npx.cmd"));
    EXPECT_TRUE(sb_is_batch_file(L"X.BAT"));
    EXPECT_FALSE(sb_is_batch_file(L"C:\\a.cmd\\x.exe"));
    EXPECT_FALSE(sb_is_batch_file(L"cmd"));
}

TEST(BatchCommandLine, TheWholeIsQuotedOnceMore_L22) {
    EXPECT_EQ(ForBatch(L"C:\\my tools\\npx.cmd", {"-y", "@scope/name"}).line,
              kShell + L"\"\"C:\\my tools\\npx.cmd\" -y @scope/name\"");
}

TEST(BatchCommandLine, WhatMeansSomethingToCmdIsQuoted_L22) {
    EXPECT_EQ(
        ForBatch(L"C:\\s.cmd", {"a&b", "c|d", "<e>", "^", "(f)", "!g!", "h i", "", "x=1", "a,b;c"})
            .line,
        kShell + L"\"\"C:\\s.cmd\" \"a&b\" \"c|d\" \"<e>\" \"^\" \"(f)\" \"!g!\" \"h i\" \"\" "
                 L"\"x=1\" \"a,b;c\"\"");
}

TEST(BatchCommandLine, AQuoteIsWrittenTwiceSoThatNothingStandsOutsideOfQuotes) {
    EXPECT_EQ(ForBatch(L"C:\\s.cmd", {"say \"a\" & b"}).line,
              kShell + L"\"\"C:\\s.cmd\" \"say \"\"a\"\" & b\"\"");
}

TEST(BatchCommandLine, BackslashesBeforeAQuoteAreDoubled) {
    EXPECT_EQ(ForBatch(L"C:\\s.cmd", {"a\\\"b", "c d\\"}).line,
              kShell + L"\"\"C:\\s.cmd\" \"a\\\\\"\"b\" \"c d\\\\\"\"");
}

TEST(BatchCommandLine, APercentSignBeginsNoVariable) {
    EXPECT_EQ(ForBatch(L"C:\\100%\\s.cmd", {"%PATH%"}).line,
              kShell + L"\"\"C:\\100%%cd:~,%\\s.cmd\" \"%%cd:~,%PATH%%cd:~,%\"\"");
}

TEST(BatchCommandLine, ALineBreakIsRefused) {
    EXPECT_NE(ForBatch(L"C:\\s.cmd", {"a\nb"}).refused.find("line break"), std::string::npos);
    EXPECT_NE(ForBatch(L"C:\\s.cmd", {"a\rb"}).refused.find("line break"), std::string::npos);
}

} // namespace
