// What the shared libraries show to the outside: the public headers and nothing else.
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>

namespace {

using Names = std::set<std::string>;

// The functions a header declares: each stands after STDIO_BUS_API.
Names DeclaredIn(const std::string &header) {
    std::ifstream file(std::string(SB_INCLUDE_DIR) + "/" + header);
    std::stringstream text;
    text << file.rdbuf();
    std::string all = text.str();
    std::regex declaration(R"(STDIO_BUS_API\s[^;(]*?(stdio_bus_\w+)\s*\()");
    Names names;
    for (std::sregex_iterator i(all.begin(), all.end(), declaration), end; i != end; ++i)
        names.insert((*i)[1]);
    return names;
}

Names ExportedBy(const std::string &library) {
    Names names;
    FILE *nm = popen(("nm -D --defined-only '" + library + "'").c_str(), "r");
    char address[64], type[8], name[256];
    while (nm && fscanf(nm, "%63s %7s %255s", address, type, name) == 3)
        names.insert(name);
    EXPECT_TRUE(nm && pclose(nm) == 0) << library;
    return names;
}

TEST(Exports, OfTheLibraryAreTheTwoPublicHeaders) {
    Names declared = DeclaredIn("stdio_bus_embed.h");
    declared.merge(DeclaredIn("stdio_bus.h"));
    EXPECT_GE(declared.size(), 30u);
    EXPECT_EQ(ExportedBy(SB_SHARED_LIBRARY), declared);
}

TEST(Exports, OfTheVersion2LibraryAreTheEmbeddingHeader_A26) {
    Names declared = DeclaredIn("stdio_bus_embed.h");
    EXPECT_EQ(declared.size(), 15u);
    EXPECT_EQ(ExportedBy(SB_V2_LIBRARY), declared);
}

} // namespace
