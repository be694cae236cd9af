#include "runtime-loader/bounded_json.h"

#include <vector>

#include "trust/plain_line.h"

namespace netpolc::loader {
namespace {

using Json = nlohmann::json;

// Builds the document, like nlohmann's own builder, and stops at the first thing that is out of bounds. A container is not
// added to while something inside of it is open, so pointers to open containers stay good.
class Builder : public nlohmann::json_sax<Json> {
 public:
  explicit Builder(const JsonBounds& bounds) : bounds_(bounds) {}
  Json root;
  std::string why;  // not empty: it stopped

  bool null() override { return put(nullptr) != nullptr; }
  bool boolean(bool value) override { return put(value) != nullptr; }
  bool number_integer(Json::number_integer_t value) override { return put(value) != nullptr; }
  bool number_unsigned(Json::number_unsigned_t value) override { return put(value) != nullptr; }
  bool number_float(Json::number_float_t value, const std::string&) override { return put(value) != nullptr; }
  bool string(std::string& value) override { return is_fine(value) && put(std::move(value)) != nullptr; }
  bool binary(Json::binary_t&) override { return stop("has binary data"); }
  bool start_object(std::size_t) override { return open(put(Json::object())); }
  bool start_array(std::size_t) override { return open(put(Json::array())); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(std::string& name) override {
    if (!is_fine(name)) return false;
    const auto [member, is_new] = open_.back()->get_ref<Json::object_t&>().emplace(name, nullptr);
    if (!is_new) return stop("has `" + trust::shown(name) + "` twice in one object");
    member_ = &member->second;
    return true;
  }
  bool parse_error(std::size_t at, const std::string&, const nlohmann::detail::exception&) override {
    return stop("no JSON: at byte " + std::to_string(at));
  }

 private:
  bool stop(std::string reason) {
    if (why.empty()) why = std::move(reason);
    return false;
  }
  bool is_fine(const std::string& text) {
    if (text.size() > bounds_.string_bytes) return stop("has a string of " + std::to_string(text.size()) + " bytes");
    return text.find('\0') == std::string::npos || stop("has a string with a zero byte");
  }
  Json* put(Json value) {
    if (++values_ > bounds_.values) return stop("has more than " + std::to_string(bounds_.values) + " values"), nullptr;
    if (open_.empty()) return &(root = std::move(value));
    if (open_.back()->is_array()) return &open_.back()->get_ref<Json::array_t&>().emplace_back(std::move(value));
    return &(*member_ = std::move(value));
  }
  bool open(Json* container) {
    if (container == nullptr) return false;
    if (open_.size() == bounds_.depth) return stop("is nested deeper than " + std::to_string(bounds_.depth));
    open_.push_back(container);
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  const JsonBounds bounds_;
  std::vector<Json*> open_;
  Json* member_ = nullptr;
  std::size_t values_ = 0;
};

}  // namespace

Result<Json> parse_bounded(std::string_view text, const std::string& name, const JsonBounds& bounds) {
  Builder builder(bounds);
  if (Json::sax_parse(text.begin(), text.end(), &builder)) return std::move(builder.root);
  return bad_input(name + ": " + builder.why);
}

}  // namespace netpolc::loader
