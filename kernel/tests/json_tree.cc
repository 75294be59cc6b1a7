#include "json_tree.h"

#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

struct Json::Reader {
    const std::string &text;
    size_t at = 0;

    [[noreturn]] void Fail(const char *what) const {
        throw std::runtime_error(std::string(what) + " at byte " + std::to_string(at) + " of " +
                                 text.substr(0, 2000));
    }
    void Space() {
        while (at < text.size() && std::isspace(static_cast<unsigned char>(text[at])))
            at++;
    }
    char Peek() {
        Space();
        if (at >= text.size())
            Fail("unexpected end");
        return text[at];
    }
    void Expect(char c) {
        if (Peek() != c)
            Fail("unexpected character");
        at++;
    }

    std::string String() {
        std::string out;
        Expect('"');
        while (at < text.size() && text[at] != '"') {
            char c = text[at++];
            if (c == '\\') {
                if (at >= text.size())
                    Fail("unexpected end");
                c = text[at++];
                if (c == 'u') {
                    out += Character();
                    continue;
                }
                static const std::string names = "nrtbf", meanings = "\n\r\t\b\f";
                size_t known = names.find(c);
                if (known != std::string::npos)
                    c = meanings[known];
            }
            out += c;
        }
        if (at >= text.size())
            Fail("unclosed string");
        at++;
        return out;
    }

    // The character of a \u escape in UTF-8; surrogates are not joined.
    std::string Character() {
        if (at + 4 > text.size())
            Fail("unexpected end");
        unsigned code =
            static_cast<unsigned>(std::strtoul(text.substr(at, 4).c_str(), nullptr, 16));
        at += 4;
        if (code < 0x80)
            return std::string(1, static_cast<char>(code));
        if (code < 0x800)
            return {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 0x3F))};
        return {static_cast<char>(0xE0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 0x3F)),
                static_cast<char>(0x80 | (code & 0x3F))};
    }

    Json Value() {
        Json value;
        char c = Peek();
        size_t start = at;
        if (c == '{') {
            for (at++; Peek() != '}';) {
                if (!value.members_.empty())
                    Expect(',');
                Space();
                std::string key = String();
                Expect(':');
                value.members_.emplace_back(std::move(key), Value());
            }
            at++;
        } else if (c == '[') {
            for (at++; Peek() != ']';) {
                if (!value.items_.empty())
                    Expect(',');
                value.items_.push_back(Value());
            }
            at++;
        } else if (c == '"') {
            value.text_ = String();
            value.is_string_ = true;
        } else {
            while (at < text.size() && (std::isalnum(static_cast<unsigned char>(text[at])) ||
                                        text[at] == '-' || text[at] == '+' || text[at] == '.'))
                at++;
            if (at == start)
                Fail("not a value");
        }
        value.raw_ = text.substr(start, at - start);
        return value;
    }
};

Json Json::Parse(const std::string &text) {
    Reader reader{text};
    Json value = reader.Value();
    reader.Space();
    if (reader.at != text.size())
        reader.Fail("text after the value");
    return value;
}

static const Json absent;

const Json &Json::operator[](const std::string &key) const {
    for (const auto &member : members_)
        if (member.first == key)
            return member.second;
    return absent;
}

const Json &Json::operator[](size_t index) const {
    return index < items_.size() ? items_[index] : absent;
}

bool Json::Has(const std::string &key) const {
    return !(*this)[key].raw_.empty();
}

size_t Json::Size() const {
    return members_.size() + items_.size();
}

const std::string &Json::Text() const {
    if (!is_string_)
        throw std::runtime_error("not a string: '" + raw_ + "'");
    return text_;
}

long long Json::Number() const {
    char *end = nullptr;
    long long number = std::strtoll(raw_.c_str(), &end, 10);
    if (raw_.empty() || *end != '\0')
        throw std::runtime_error("not a whole number: '" + raw_ + "'");
    return number;
}

std::string Quote(const std::string &text) {
    std::string out = "\"";
    for (char c : text) {
        if (static_cast<unsigned char>(c) < 0x20) {
            char escape[8];
            std::snprintf(escape, sizeof escape, "\\u%04x", c);
            out += escape;
            continue;
        }
        if (c == '"' || c == '\\')
            out += '\\';
        out += c;
    }
    return out + "\"";
}
