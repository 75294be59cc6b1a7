// The hash table, checked against std::unordered_map.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

extern "C" {
#include "table.h"
}

namespace {

struct Entry {
    std::string key;
    uint64_t salt = 0;
    sb_key Key(uint64_t seed = 7) const {
        return sb_key{key.data(), key.size(), sb_hash(seed, key.data(), key.size()), salt};
    }
};

sb_key KeyOf(const std::string &text, uint64_t salt = 0) {
    return sb_key{text.data(), text.size(), sb_hash(7, text.data(), text.size()), salt};
}

TEST(Table, FindsWhatWasAddedAndNothingElse) {
    sb_table table{};
    EXPECT_EQ(sb_table_get(&table, KeyOf("a")), nullptr);
    EXPECT_EQ(sb_table_remove(&table, KeyOf("a")), nullptr);
    int one, two;
    std::string a = "a", empty;
    ASSERT_TRUE(sb_table_add(&table, KeyOf(a), &one));
    ASSERT_TRUE(sb_table_add(&table, KeyOf(empty), &two));
    EXPECT_EQ(sb_table_get(&table, KeyOf("a")), &one);
    EXPECT_EQ(sb_table_get(&table, sb_key{nullptr, 0, sb_hash(7, nullptr, 0), 0}), &two);
    EXPECT_EQ(sb_table_get(&table, KeyOf("b")), nullptr);
    EXPECT_EQ(sb_table_get(&table, KeyOf("a", 1)), nullptr) << "the salt is part of the key";
    EXPECT_EQ(table.count, 2u);
    sb_table_free(&table);
}

TEST(Table, RefusesAKeyThatIsPresent) {
    sb_table table{};
    int one, two;
    std::string key = "id";
    ASSERT_TRUE(sb_table_add(&table, KeyOf(key), &one));
    EXPECT_FALSE(sb_table_add(&table, KeyOf(key), &two));
    EXPECT_EQ(sb_table_get(&table, KeyOf(key)), &one);
    EXPECT_EQ(table.count, 1u);
    EXPECT_EQ(sb_table_remove(&table, KeyOf(key)), &one);
    EXPECT_TRUE(sb_table_add(&table, KeyOf(key), &two));
    EXPECT_EQ(sb_table_get(&table, KeyOf(key)), &two);
    sb_table_free(&table);
}

TEST(Table, TellsLongKeysApartByTheirLastByte_L31) {
    sb_table table{};
    std::vector<std::unique_ptr<Entry>> entries;
    for (size_t len : {1, 7, 8, 9, 127, 128, 255, 256, 100000}) {
        for (char last : {'x', 'y', '\0'}) {
            entries.push_back(std::make_unique<Entry>());
            entries.back()->key = std::string(len - 1, 'k') + last;
            ASSERT_TRUE(sb_table_add(&table, entries.back()->Key(), entries.back().get()));
        }
    }
    for (auto &entry : entries)
        EXPECT_EQ(sb_table_get(&table, entry->Key()), entry.get());
    sb_table_free(&table);
}

TEST(Table, AgreesWithUnorderedMapOverRandomUse) {
    std::mt19937_64 random(11);
    sb_table table{};
    std::unordered_map<std::string, std::unique_ptr<Entry>> model;
    for (int i = 0; i < 300000; i++) {
        // Grows in the first, shrinks in the second, grows again in the third part.
        bool growing = i < 100000 || i > 200000;
        auto entry = std::make_unique<Entry>();
        entry->key = std::to_string(random() % 20000);
        entry->salt = random() % 2;
        std::string name = entry->key + "/" + std::to_string(entry->salt);
        auto found = model.find(name);
        if (random() % 10 < (growing ? 7 : 1)) {
            bool added = sb_table_add(&table, entry->Key(), entry.get());
            ASSERT_EQ(added, found == model.end());
            if (added)
                model[name] = std::move(entry);
        } else {
            void *removed = sb_table_remove(&table, entry->Key());
            ASSERT_EQ(removed, found == model.end() ? nullptr : found->second.get());
            if (removed)
                model.erase(found);
        }
        ASSERT_EQ(table.count, model.size());
    }
    std::set<void *> walked;
    size_t at = 0;
    while (void *value = sb_table_next(&table, &at))
        EXPECT_TRUE(walked.insert(value).second);
    EXPECT_EQ(walked.size(), model.size());
    for (auto &[name, entry] : model) {
        EXPECT_EQ(sb_table_get(&table, entry->Key()), entry.get());
        EXPECT_TRUE(walked.count(entry.get()));
    }
    sb_table_free(&table);
}

TEST(Table, ShrinksWhenMostlyEmpty) {
    sb_table table{};
    std::vector<Entry> entries(100000);
    for (size_t i = 0; i < entries.size(); i++) {
        entries[i].key = "session-" + std::to_string(i);
        ASSERT_TRUE(sb_table_add(&table, entries[i].Key(), &entries[i]));
    }
    EXPECT_GE(table.cap, entries.size());
    EXPECT_LE(table.cap, entries.size() * 4);
    for (auto &entry : entries)
        ASSERT_EQ(sb_table_remove(&table, entry.Key()), &entry);
    EXPECT_EQ(table.count, 0u);
    EXPECT_LE(table.cap, 256u);
    size_t at = 0;
    EXPECT_EQ(sb_table_next(&table, &at), nullptr);
    sb_table_free(&table);
}

// With another seed the same keys lie elsewhere, so that nobody can choose keys that collide;
// and similar keys spread evenly.
TEST(Table, SpreadsSimilarKeysDifferentlyForEverySeed) {
    std::vector<Entry> entries(20000);
    for (size_t i = 0; i < entries.size(); i++)
        entries[i].key = std::to_string(i);
    std::vector<void *> orders[2];
    for (uint64_t seed : {0, 1}) {
        sb_table table{};
        for (auto &entry : entries)
            ASSERT_TRUE(sb_table_add(&table, entry.Key(seed), &entry));
        size_t longest = 0;
        for (size_t i = 0; i < table.cap; i++) {
            if (!table.slots[i].place)
                continue;
            size_t home = table.slots[i].place & (table.cap - 1);
            longest = std::max(longest, (i - home) & (table.cap - 1));
        }
        EXPECT_LT(longest, 100u);
        size_t at = 0;
        while (void *value = sb_table_next(&table, &at))
            orders[seed].push_back(value);
        sb_table_free(&table);
    }
    EXPECT_NE(orders[0], orders[1]);
}

TEST(Table, CanBeUsedAgainAfterFree) {
    sb_table table{};
    int value;
    const std::string key = "x";
    ASSERT_TRUE(sb_table_add(&table, KeyOf(key), &value));
    sb_table_free(&table);
    EXPECT_EQ(sb_table_get(&table, KeyOf(key)), nullptr);
    ASSERT_TRUE(sb_table_add(&table, KeyOf(key), &value));
    EXPECT_EQ(sb_table_get(&table, KeyOf(key)), &value);
    sb_table_free(&table);
}

} // namespace
