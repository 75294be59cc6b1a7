// Paths with drives and slashes of either kind.
#include <gtest/gtest.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

extern "C" {
#include "config.h"
#include "os/path.h"
}
#include "processes.h"

namespace {

std::string Take(char *text) {
    std::string taken = text ? text : "(null)";
    std::free(text);
    return taken;
}

std::string Resolve(const char *base, const char *path) {
    return Take(sb_path_resolve(base, path));
}

TEST(WindowsPath, IsAbsoluteWithADriveOrAServer) {
    EXPECT_TRUE(sb_path_is_absolute("C:\\x"));
    EXPECT_TRUE(sb_path_is_absolute("c:/x"));
    EXPECT_TRUE(sb_path_is_absolute("\\\\server\\share"));
    EXPECT_FALSE(sb_path_is_absolute("C:x"));
    EXPECT_FALSE(sb_path_is_absolute("\\x"));
    EXPECT_FALSE(sb_path_is_absolute("x\\y"));
}

TEST(WindowsPath, OfABareNameHasNoSeparator) {
    EXPECT_FALSE(sb_path_has_separator("npx"));
    EXPECT_TRUE(sb_path_has_separator("a/b"));
    EXPECT_TRUE(sb_path_has_separator(".\\b"));
    EXPECT_TRUE(sb_path_has_separator("C:b"));
}

TEST(WindowsPath, IsResolvedAgainstAFolder) {
    EXPECT_EQ(Resolve("C:\\srv\\bus", "bin\\worker"), "C:\\srv\\bus\\bin\\worker");
    EXPECT_EQ(Resolve("C:\\srv\\bus\\", "./worker"), "C:\\srv\\bus\\./worker");
    EXPECT_EQ(Resolve("C:\\srv\\bus", "D:\\x"), "D:\\x");
    EXPECT_EQ(Resolve("C:\\srv\\bus", "\\x"), "C:\\x");
    EXPECT_EQ(Resolve("C:\\", "x"), "C:\\x");
}

TEST(WindowsPath, WithoutAFolderItIsResolvedAgainstTheCurrentOne) {
    std::string folder = Resolve(nullptr, "x\\..\\y");
    EXPECT_TRUE(sb_path_is_absolute(folder.c_str())) << folder;
    EXPECT_EQ(folder.substr(folder.size() - 2), "\\y");
}

TEST(WindowsPath, FolderOfAFile) {
    EXPECT_EQ(Take(sb_path_folder("C:\\a\\b.json")), "C:\\a");
    EXPECT_EQ(Take(sb_path_folder("C:/a/b.json")), "C:\\a");
    EXPECT_EQ(Take(sb_path_folder("C:\\b.json")), "C:\\");
}

TEST(WindowsPath, TheProgramKnowsWhereItLies) {
    std::string program = Take(sb_path_executable());
    EXPECT_NE(program.find("path_test.exe"), std::string::npos) << program;
}

TEST(WindowsPath, FilesAreOpenedByTheirUtf8Names) {
    TempFolder folder;
    std::string path = folder.Path("\xC3\xA4\xE2\x82\xAC.json");
    std::ofstream(std::filesystem::u8path(path), std::ios::binary) << "x\r\n\x1A";
    FILE *file = sb_file_open(path.c_str());
    ASSERT_NE(file, nullptr);
    char text[8];
    EXPECT_EQ(fread(text, 1, sizeof text, file), 4u);
    fclose(file);
    EXPECT_EQ(sb_file_open(folder.Path("missing").c_str()), nullptr);
    EXPECT_EQ(errno, ENOENT);
    EXPECT_EQ(sb_file_open("\xFF"), nullptr);
}

} // namespace
