// The variables of a child, and the file that its command means.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "processes.h"

extern "C" {
wchar_t *sb_environment_merge(const wchar_t *host, bool inherit, char *const *over);
const wchar_t *sb_environment_find(const wchar_t *block, const wchar_t *name);
int sb_lookup(const char *file, const wchar_t *environment, wchar_t **found);
}

namespace fs = std::filesystem;

namespace {

std::wstring Block(const std::vector<std::wstring> &variables) {
    std::wstring block;
    for (const auto &variable : variables)
        block += variable + L'\0';
    return block + L'\0';
}

std::vector<std::wstring> Merge(const std::vector<std::wstring> &host, bool inherit,
                                const std::vector<std::string> &over) {
    std::vector<char *> pointers;
    for (const auto &variable : over)
        pointers.push_back(const_cast<char *>(variable.c_str()));
    pointers.push_back(nullptr);
    wchar_t *block = sb_environment_merge(Block(host).c_str(), inherit, pointers.data());
    std::vector<std::wstring> merged;
    for (const wchar_t *at = block; at && *at; at += wcslen(at) + 1)
        merged.emplace_back(at);
    free(block);
    return merged;
}

using Variables = std::vector<std::wstring>;

TEST(Environment, IsInheritedAndSortedWithoutRegardToCase_L22) {
    EXPECT_EQ(Merge({L"b=2", L"C=3", L"A=1", L"SystemRoot=C:\\W"}, true, {}),
              (Variables{L"A=1", L"b=2", L"C=3", L"SystemRoot=C:\\W"}));
}

TEST(Environment, OneOfOursTakesThePlaceOfTheHostsWhateverTheCase_L22) {
    EXPECT_EQ(Merge({L"Path=C:\\host", L"SystemRoot=C:\\W"}, true, {"PATH=C:\\ours"}),
              (Variables{L"PATH=C:\\ours", L"SystemRoot=C:\\W"}));
}

TEST(Environment, TheLastOfTwoOfOursCounts) {
    EXPECT_EQ(Merge({}, true, {"k=1", "K=2"}), (Variables{L"K=2"}));
}

TEST(Environment, FoldersOfDrivesAreKept) {
    EXPECT_EQ(Merge({L"=C:=C:\\x", L"A=1"}, true, {"b=x=y"}),
              (Variables{L"=C:=C:\\x", L"A=1", L"b=x=y"}));
}

TEST(Environment, WithoutInheritanceOnlySystemRootIsAdded) {
    EXPECT_EQ(Merge({L"A=1", L"SYSTEMROOT=C:\\W"}, false, {"B=2"}),
              (Variables{L"B=2", L"SYSTEMROOT=C:\\W"}));
    EXPECT_EQ(Merge({L"SYSTEMROOT=C:\\W"}, false, {"SystemRoot=D:\\"}),
              (Variables{L"SystemRoot=D:\\"}));
}

TEST(Environment, ValuesAreUtf8AndWhatIsNotIsRefused) {
    EXPECT_EQ(Merge({}, true, {"K=\xC3\xA4\xE2\x82\xAC"}), (Variables{L"K=\u00E4\u20AC"}));
    EXPECT_EQ(Merge({}, true, {"K=\xFF"}), Variables{});
}

TEST(Environment, AVariableIsFoundWhateverItsCase) {
    std::wstring block = Block({L"PATHEXT=.X", L"Path=C:\\a"});
    EXPECT_STREQ(sb_environment_find(block.c_str(), L"PATH"), L"C:\\a");
    EXPECT_EQ(sb_environment_find(block.c_str(), L"PAT"), nullptr);
}

// Files in two folders that are both on PATH.
class Lookup : public ::testing::Test {
  protected:
    Lookup() {
        fs::create_directory(folder_.Path("one"));
        fs::create_directory(folder_.Path("two"));
    }
    void Make(const std::string &name) {
        std::ofstream(folder_.Path(name)) << "x";
    }
    std::string Find(const std::string &file,
                     const std::wstring &extensions = L".COM;.EXE;.BAT;.CMD;.JS") {
        std::wstring one = fs::path(folder_.Path("one")).wstring();
        std::wstring two = fs::path(folder_.Path("two")).wstring();
        std::wstring block = Block({L"PATH=;\"" + one + L"\";;" + two, L"PATHEXT=" + extensions});
        wchar_t *found = nullptr;
        int error = sb_lookup(file.c_str(), block.c_str(), &found);
        EXPECT_EQ(error != 0, found == nullptr);
        if (!found)
            return "";
        fs::path path = found;
        free(found);
        EXPECT_TRUE(path.is_absolute()) << path;
        return path.parent_path().filename().string() + "/" + path.filename().string();
    }
    TempFolder folder_;
};

TEST_F(Lookup, ExtensionsAreTriedInTheOrderOfPathext_L22) {
    Make("one/tool.cmd");
    Make("one/tool.exe");
    EXPECT_EQ(Find("tool"), "one/tool.EXE");
    EXPECT_EQ(Find("tool", L".CMD;.EXE"), "one/tool.CMD");
    EXPECT_EQ(Find("tool", L""), "one/tool.EXE");
}

TEST_F(Lookup, TheFirstFolderOfPathGoesBeforeABetterExtension) {
    Make("one/tool.cmd");
    Make("two/tool.exe");
    EXPECT_EQ(Find("tool"), "one/tool.CMD");
}

TEST_F(Lookup, AFileWithoutExtensionIsNoProgramOnPath_L22) {
    Make("one/npx"); // a shell script that lies beside npx.cmd
    Make("one/npx.cmd");
    EXPECT_EQ(Find("npx"), "one/npx.CMD");
}

TEST_F(Lookup, ADocumentIsNotRun) {
    Make("one/tool.js");
    EXPECT_EQ(Find("tool"), "");
}

TEST_F(Lookup, AnExtensionThatIsGivenIsTakenFirst) {
    Make("one/tool.cmd");
    Make("one/tool.cmd.exe");
    EXPECT_EQ(Find("tool.cmd"), "one/tool.cmd");
    Make("two/v1.2.exe");
    EXPECT_EQ(Find("v1.2"), "two/v1.2.EXE");
}

TEST_F(Lookup, APathIsNotLookedUp) {
    Make("one/tool.exe");
    Make("one/plain");
    EXPECT_EQ(Find(folder_.Path("one/tool")), "one/tool.EXE");
    EXPECT_EQ(Find(folder_.Path("one/plain")), "one/plain");
    EXPECT_EQ(Find(folder_.Path("none/tool")), "");
}

} // namespace
