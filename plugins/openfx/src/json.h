// SPDX-License-Identifier: Apache-2.0
//
// The JSON of the engine's answers and of its state file: read into values, and text written as a JSON string.
#ifndef FACEPLATE_JSON_H
#define FACEPLATE_JSON_H

#include <string>
#include <utility>
#include <vector>

namespace json {

enum class Kind { null, boolean, number, text, array, object };

// A value. Asking an object for a field that it lacks, or another kind for a field or an item, gives null.
struct Value {
  Kind kind = Kind::null;
  double number = 0.0;  // also a boolean's 0 or 1
  std::string text;
  std::vector<Value> items;
  std::vector<std::pair<std::string, Value>> fields;

  const Value& operator[](const std::string& name) const;
  const Value& operator[](size_t index) const;
  int integer() const { return static_cast<int>(number); }
};

// Returns the value of a text; null for a text that is no JSON.
Value parse(const std::string& text);

// Returns `text` as a JSON string with its quotes.
std::string quoted(const std::string& text);

}  // namespace json

#endif
