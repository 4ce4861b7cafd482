// SPDX-License-Identifier: Apache-2.0
#include "json.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace json {
namespace {

constexpr int kDeepest = 64;

void append_utf8(std::string& text, unsigned code) {
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else if (code < 0x800) {
    text += static_cast<char>(0xC0 | (code >> 6));
    text += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    text += static_cast<char>(0xE0 | (code >> 12));
    text += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    text += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    text += static_cast<char>(0xF0 | (code >> 18));
    text += static_cast<char>(0x80 | ((code >> 12) & 0x3F));
    text += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    text += static_cast<char>(0x80 | (code & 0x3F));
  }
}

class Reader {
 public:
  explicit Reader(const std::string& text) : at_(text.c_str()), end_(text.c_str() + text.size()) {}

  bool whole(Value& value) { return read(value, 0) && (skip(), at_ == end_); }

 private:
  void skip() {
    while (at_ < end_ && std::strchr(" \t\r\n", *at_)) ++at_;
  }

  bool take(char wanted) {
    skip();
    if (at_ >= end_ || *at_ != wanted) return false;
    ++at_;
    return true;
  }

  bool word(const char* wanted) {
    const size_t length = std::strlen(wanted);
    if (static_cast<size_t>(end_ - at_) < length || std::strncmp(at_, wanted, length) != 0) return false;
    at_ += length;
    return true;
  }

  bool read(Value& value, int depth) {
    skip();
    if (at_ >= end_ || depth > kDeepest) return false;
    if (*at_ == '{') return object(value, depth);
    if (*at_ == '[') return array(value, depth);
    if (*at_ == '"') {
      value.kind = Kind::text;
      return string(value.text);
    }
    if (word("null")) return true;
    if (*at_ == 't' || *at_ == 'f') {
      value.kind = Kind::boolean;
      value.number = *at_ == 't';
      return word("true") || word("false");
    }
    char* after = nullptr;
    value.kind = Kind::number;
    value.number = std::strtod(at_, &after);
    if (after == at_) return false;
    at_ = after;
    return true;
  }

  bool object(Value& value, int depth) {
    value.kind = Kind::object;
    ++at_;
    if (take('}')) return true;
    do {
      std::pair<std::string, Value> field;
      skip();
      if (!string(field.first) || !take(':') || !read(field.second, depth + 1)) return false;
      value.fields.push_back(std::move(field));
    } while (take(','));
    return take('}');
  }

  bool array(Value& value, int depth) {
    value.kind = Kind::array;
    ++at_;
    if (take(']')) return true;
    do {
      Value item;
      if (!read(item, depth + 1)) return false;
      value.items.push_back(std::move(item));
    } while (take(','));
    return take(']');
  }

  bool string(std::string& text) {
    if (at_ >= end_ || *at_ != '"') return false;
    for (++at_; at_ < end_ && *at_ != '"'; ++at_) {
      if (*at_ != '\\') {
        text += *at_;
        continue;
      }
      if (++at_ >= end_ || !escaped(text)) return false;
    }
    if (at_ >= end_) return false;
    ++at_;
    return true;
  }

  // Reads what follows a backslash and leaves `at_` on its last character.
  bool escaped(std::string& text) {
    static const char* const kNames = "\"\\/bfnrt";
    static const char* const kValues = "\"\\/\b\f\n\r\t";
    if (const char* found = std::strchr(kNames, *at_)) {
      text += kValues[found - kNames];
      return true;
    }
    unsigned code = 0;
    if (*at_ != 'u' || !hex(code)) return false;
    if (code >= 0xD800 && code < 0xDC00 && end_ - at_ > 6 && at_[1] == '\\' && at_[2] == 'u') {
      unsigned low = 0;
      at_ += 2;
      if (!hex(low)) return false;
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    append_utf8(text, code);
    return true;
  }

  bool hex(unsigned& code) {
    if (end_ - at_ < 5) return false;
    const std::string digits(at_ + 1, 4);
    char* after = nullptr;
    code = static_cast<unsigned>(std::strtoul(digits.c_str(), &after, 16));
    at_ += 4;
    return *after == '\0';
  }

  const char* at_;
  const char* end_;
};

const Value kNothing;

}  // namespace

const Value& Value::operator[](const std::string& name) const {
  for (const auto& field : fields)
    if (field.first == name) return field.second;
  return kNothing;
}

const Value& Value::operator[](size_t index) const { return index < items.size() ? items[index] : kNothing; }

Value parse(const std::string& text) {
  Value value;
  return Reader(text).whole(value) ? value : Value();
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char letter : text) {
    if (letter == '"' || letter == '\\') {
      out += '\\';
      out += letter;
    } else if (static_cast<unsigned char>(letter) < 0x20) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", letter);
      out += code;
    } else {
      out += letter;
    }
  }
  return out + "\"";
}

}  // namespace json
