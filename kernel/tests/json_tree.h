// json_tree.h: JSON as a tree, so that tests look at answers with eyes other than the kernel's.
#ifndef JSON_TREE_H
#define JSON_TREE_H

#include <string>
#include <utility>
#include <vector>

class Json {
  public:
    // Throws std::runtime_error, with the text, when it is not one JSON value.
    static Json Parse(const std::string &text);

    // The member or item; an absent one is a value whose Raw() is empty.
    const Json &operator[](const std::string &key) const;
    const Json &operator[](size_t index) const;

    bool Has(const std::string &key) const;
    size_t Size() const;
    // As it stood in the text.
    const std::string &Raw() const {
        return raw_;
    }
    // The decoded text of a string; throws for anything else.
    const std::string &Text() const;
    // Throws unless it is a whole number.
    long long Number() const;

  private:
    struct Reader;
    std::string raw_, text_;
    bool is_string_ = false;
    std::vector<std::pair<std::string, Json>> members_;
    std::vector<Json> items_;
};

// `text` as a JSON string, with its quotes.
std::string Quote(const std::string &text);

#endif
