// runtime-loader/json_field.h — walking a JSON document of known shape, with the path of what is
// wrong in it. Reading throws BadField, which whoever opens the document turns into a Failure.
#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace netpolc::loader {

struct BadField : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A value and where it is. Refers to the document and to the field it came from: for the stack.
class JsonField {
 public:
  using Json = nlohmann::json;
  explicit JsonField(const Json& root) : value_(&root) {}

  // A member that must be there.
  JsonField at(std::string_view key) const {
    if (!value_->is_object()) expected("an object");
    const auto found = value_->find(key);
    if (found == value_->end()) fail("lacks `" + std::string(key) + "`");
    return {*found, this, key, 0};
  }
  std::optional<JsonField> find(std::string_view key) const {
    if (!value_->is_object()) expected("an object");
    const auto found = value_->find(key);
    if (found == value_->end()) return std::nullopt;
    return JsonField(*found, this, key, 0);
  }
  template <class Visit>
  void each(const Visit& visit) const {
    if (!value_->is_array()) expected("an array");
    for (std::size_t i = 0; i < value_->size(); ++i) visit(JsonField((*value_)[i], this, {}, i));
  }
  template <class Visit>
  void each_member(const Visit& visit) const {
    if (!value_->is_object()) expected("an object");
    for (const auto& [key, value] : value_->items()) visit(key, JsonField(value, this, key, 0));
  }

  // An array or object with no more than so many.
  void at_most(std::size_t count) const {
    if (value_->size() > count) fail("has " + std::to_string(value_->size()) + " entries, more than " + std::to_string(count));
  }

  const std::string& text() const {
    if (!value_->is_string()) expected("a string");
    return value_->get_ref<const std::string&>();
  }
  std::uint64_t number(std::uint64_t most = UINT64_MAX) const {
    if (!value_->is_number_unsigned() || value_->get<std::uint64_t>() > most)
      expected("a whole number up to " + std::to_string(most));
    return value_->get<std::uint64_t>();
  }
  std::uint32_t number32() const { return static_cast<std::uint32_t>(number(UINT32_MAX)); }
  bool boolean() const {
    if (!value_->is_boolean()) expected("true or false");
    return value_->get<bool>();
  }
  bool is_null() const { return value_->is_null(); }
  bool is_text() const { return value_->is_string(); }
  bool is_boolean() const { return value_->is_boolean(); }
  bool is_array() const { return value_->is_array(); }
  bool is_object() const { return value_->is_object(); }

  [[noreturn]] void expected(const std::string& what) const {
    fail("expected " + what + ", found " + value_->type_name());
  }
  [[noreturn]] void fail(const std::string& what) const {
    const std::string where = path();
    throw BadField((where.empty() ? "" : "`" + where + "`: ") + what);
  }

 private:
  JsonField(const Json& value, const JsonField* parent, std::string_view key, std::size_t index)
      : value_(&value), parent_(parent), key_(key), index_(index) {}
  std::string path() const {
    if (parent_ == nullptr) return "";
    const std::string before = parent_->path();
    if (parent_->value_->is_array()) return before + "[" + std::to_string(index_) + "]";
    return (before.empty() ? "" : before + ".") + std::string(key_);
  }

  const Json* value_;
  const JsonField* parent_ = nullptr;
  std::string_view key_;
  std::size_t index_ = 0;
};

}  // namespace netpolc::loader
