// strict_json.h: JSON text as RFC 8259 has it, read by recursive descent into a tree: the same
// questions that the kernel's scan answers, asked in the plainest way, to compare the two.
#ifndef STRICT_JSON_H
#define STRICT_JSON_H

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace strict_json {

enum class Kind { kObject, kArray, kString, kNumber, kLiteral };
enum class Result { kValid, kInvalid, kTooDeep };

struct Member;

// Views point into the text that was read.
struct Value {
    Kind kind = Kind::kLiteral;
    std::string_view raw;
    std::vector<Member> members; // of an object, in order

    // The last member with that decoded key, as ECMAScript has it; nullptr: none.
    const Value *Find(std::string_view key) const;
    bool IsString() const {
        return kind == Kind::kString;
    }
};

struct Member {
    std::string key; // decoded
    std::string_view raw_key;
    Value value;
};

// Deeper nesting than this is not looked at.
constexpr int kMostLevels = 2000;

Result Parse(std::string_view text, Value *out);

// The text of a string token, without escapes; a lone surrogate keeps its three-byte form.
std::string Decode(std::string_view raw);

} // namespace strict_json

#endif
