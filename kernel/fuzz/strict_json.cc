#include "strict_json.h"

#include <cstdint>

namespace strict_json {

namespace {

// The length of the character that begins at `at`, by decoding it and asking whether these bytes
// are the shortest way to write it and whether it may be written at all; 0 when not.
size_t CharacterLength(std::string_view text, size_t at) {
    auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(text[i])); };
    uint32_t lead = byte(at), point;
    size_t length;
    if (lead < 0x80)
        return 1;
    if ((lead & 0xE0) == 0xC0) {
        length = 2;
        point = lead & 0x1F;
    } else if ((lead & 0xF0) == 0xE0) {
        length = 3;
        point = lead & 0x0F;
    } else if ((lead & 0xF8) == 0xF0) {
        length = 4;
        point = lead & 0x07;
    } else {
        return 0;
    }
    if (text.size() - at < length)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((byte(at + i) & 0xC0) != 0x80)
            return 0;
        point = point << 6 | (byte(at + i) & 0x3F);
    }
    size_t shortest = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    bool surrogate = point >= 0xD800 && point <= 0xDFFF;
    return length == shortest && !surrogate && point <= 0x10FFFF ? length : 0;
}

int HexDigit(char c) {
    std::string_view digits = "0123456789abcdef0123456789ABCDEF";
    size_t at = digits.find(c);
    return at == std::string_view::npos ? -1 : static_cast<int>(at % 16);
}

class Reader {
  public:
    explicit Reader(std::string_view text) : text_(text) {
    }

    Result Document(Value *out) {
        bool ok = ReadValue(out, 0);
        if (ok)
            Space();
        if (too_deep_)
            return Result::kTooDeep;
        return ok && at_ == text_.size() ? Result::kValid : Result::kInvalid;
    }

  private:
    std::string_view text_;
    size_t at_ = 0;
    bool too_deep_ = false;

    bool Is(char c) const {
        return at_ < text_.size() && text_[at_] == c;
    }
    bool Take(char c) {
        if (!Is(c))
            return false;
        at_++;
        return true;
    }
    void Space() {
        while (Is(' ') || Is('\t') || Is('\n') || Is('\r'))
            at_++;
    }
    bool Digits() {
        size_t start = at_;
        while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9')
            at_++;
        return at_ > start;
    }

    bool Number() {
        Take('-');
        if (!Take('0') && !Digits())
            return false;
        if (Take('.') && !Digits())
            return false;
        if (Take('e') || Take('E')) {
            if (!Take('+'))
                Take('-');
            return Digits();
        }
        return true;
    }

    bool String() {
        if (!Take('"'))
            return false;
        while (at_ < text_.size()) {
            char c = text_[at_];
            if (c == '"') {
                at_++;
                return true;
            }
            if (static_cast<uint8_t>(c) < 0x20)
                return false;
            if (c == '\\') {
                at_++;
                if (Take('u')) {
                    for (int i = 0; i < 4; i++, at_++)
                        if (at_ >= text_.size() || HexDigit(text_[at_]) < 0)
                            return false;
                } else if (at_ < text_.size() && std::string_view("\"\\/bfnrt").find(text_[at_]) !=
                                                     std::string_view::npos) {
                    at_++;
                } else {
                    return false;
                }
                continue;
            }
            size_t length = CharacterLength(text_, at_);
            if (length == 0)
                return false;
            at_ += length;
        }
        return false;
    }

    bool Word(std::string_view word) {
        if (text_.substr(at_, word.size()) != word)
            return false;
        at_ += word.size();
        return true;
    }

    bool Object(Value *out, int level) {
        at_++;
        Space();
        if (Take('}'))
            return true;
        do {
            Member member;
            Space();
            size_t start = at_;
            if (!String())
                return false;
            member.raw_key = text_.substr(start, at_ - start);
            member.key = Decode(member.raw_key);
            Space();
            if (!Take(':') || !ReadValue(&member.value, level + 1))
                return false;
            out->members.push_back(std::move(member));
            Space();
        } while (Take(','));
        return Take('}');
    }

    bool Array(int level) {
        at_++;
        Space();
        if (Take(']'))
            return true;
        do {
            Value item;
            if (!ReadValue(&item, level + 1))
                return false;
            Space();
        } while (Take(','));
        return Take(']');
    }

    bool ReadValue(Value *out, int level) {
        Space();
        if (level > kMostLevels) {
            too_deep_ = true;
            return false;
        }
        size_t start = at_;
        bool ok;
        if (Is('{')) {
            out->kind = Kind::kObject;
            ok = Object(out, level);
        } else if (Is('[')) {
            out->kind = Kind::kArray;
            ok = Array(level);
        } else if (Is('"')) {
            out->kind = Kind::kString;
            ok = String();
        } else if (Is('t') || Is('f') || Is('n')) {
            out->kind = Kind::kLiteral;
            ok = Word("true") || Word("false") || Word("null");
        } else {
            out->kind = Kind::kNumber;
            ok = Number();
        }
        out->raw = text_.substr(start, at_ - start);
        return ok;
    }
};

void Encode(uint32_t point, std::string *out) {
    auto put = [&](uint32_t byte) { out->push_back(static_cast<char>(byte)); };
    if (point < 0x80) {
        put(point);
    } else if (point < 0x800) {
        put(0xC0 | point >> 6);
        put(0x80 | (point & 0x3F));
    } else if (point < 0x10000) {
        put(0xE0 | point >> 12);
        put(0x80 | (point >> 6 & 0x3F));
        put(0x80 | (point & 0x3F));
    } else {
        put(0xF0 | point >> 18);
        put(0x80 | (point >> 12 & 0x3F));
        put(0x80 | (point >> 6 & 0x3F));
        put(0x80 | (point & 0x3F));
    }
}

// The value of \uXXXX at `at`, or -1 when something else stands there.
int Escape(std::string_view raw, size_t at) {
    if (raw.substr(at, 2) != "\\u" || raw.size() - at < 6)
        return -1;
    int value = 0;
    for (size_t i = at + 2; i < at + 6; i++)
        value = value * 16 + HexDigit(raw[i]);
    return value;
}

} // namespace

const Value *Value::Find(std::string_view key) const {
    const Value *found = nullptr;
    for (const Member &member : members)
        if (member.key == key)
            found = &member.value;
    return found;
}

Result Parse(std::string_view text, Value *out) {
    return Reader(text).Document(out);
}

std::string Decode(std::string_view raw) {
    std::string out;
    raw = raw.substr(1, raw.size() - 2);
    for (size_t at = 0; at < raw.size();) {
        if (raw[at] != '\\') {
            out.push_back(raw[at++]);
            continue;
        }
        int point = Escape(raw, at);
        if (point < 0) {
            std::string_view names = "bfnrt", meanings = "\b\f\n\r\t";
            size_t known = names.find(raw[at + 1]);
            out.push_back(known == std::string_view::npos ? raw[at + 1] : meanings[known]);
            at += 2;
            continue;
        }
        at += 6;
        int low = Escape(raw, at);
        if (point >= 0xD800 && point <= 0xDBFF && low >= 0xDC00 && low <= 0xDFFF) {
            point = 0x10000 + (point - 0xD800) * 0x400 + (low - 0xDC00);
            at += 6;
        }
        Encode(static_cast<uint32_t>(point), &out);
    }
    return out;
}

} // namespace strict_json
