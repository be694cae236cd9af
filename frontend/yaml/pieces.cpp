#include "frontend/yaml/pieces.h"

#include <algorithm>
#include <optional>
#include <unordered_set>
#include <utility>

#include "frontend/yaml/builder.h"
#include "frontend/yaml/json_reader.h"
#include "frontend/yaml/syntax.h"

namespace netpolc::frontend {
namespace {

using yaml::JsonReader;

constexpr std::size_t kIndexFrom = 16;  // the keys of smaller mappings are compared one by one

// Where a document begins, and the items of the list `items` in it, if any.
struct Piece {
  std::uint32_t begin = 0;
  yaml::PassedOver list;
  std::vector<std::uint32_t> items;
};

// Reads without making anything of it. Stops at all that Builder would report.
class Outline {
 public:
  static constexpr bool kDecoded = false;

  void begin_document() { pieces_.emplace_back(); }
  void end_document() {}

  void begin_collection(NodeKind kind, std::uint32_t begin) {
    if (depth_ >= yaml::kMaxDepth) return stop();
    value_begins(begin);
    const bool is_items = depth_ == 1 && kind == NodeKind::Sequence && frames_[0].mapping && frames_[0].key == "items";
    if (is_items) pieces_.back().list.begin = begin;
    if (depth_ == frames_.size()) frames_.emplace_back();
    Frame& frame = frames_[depth_++];
    frame.mapping = kind == NodeKind::Mapping;
    frame.is_items = is_items;
    frame.key = {};
    frame.first_key = keys_.size();
    if (!frame.index.empty()) frame.index = {};
  }

  void end_collection(std::uint32_t end) {
    Frame& frame = frames_[--depth_];
    if (frame.is_items) pieces_.back().list.end = end;
    keys_.resize(frame.first_key);
    value_ends();
  }

  void leaf(NodeKind, std::uint32_t begin, std::uint32_t, std::string_view text, bool) {
    if (depth_ != 0 && frames_[depth_ - 1].mapping && frames_[depth_ - 1].key.data() == nullptr) return key(text);
    value_begins(begin);
    value_ends();
  }

  bool stopped() const { return stopped_; }
  std::vector<Piece> take() { return std::move(pieces_); }

 private:
  struct Frame {
    bool mapping = false;
    bool is_items = false;
    std::string_view key;       // Mapping: read, its value is not
    std::size_t first_key = 0;  // of `keys_`
    std::unordered_set<std::string_view> index;  // of its keys where they are many
  };

  void stop() { stopped_ = true; }
  void count() {
    if (++nodes_ > yaml::kMaxNodes) stop();
  }

  void value_begins(std::uint32_t begin) {
    if (depth_ == 0) pieces_.back().begin = begin;
    else if (frames_[depth_ - 1].is_items) pieces_.back().items.push_back(begin);
  }

  void value_ends() {
    count();
    if (depth_ != 0) frames_[depth_ - 1].key = {};
  }

  // Written alike is to be alike: of escapes only those without which a text cannot be written (keys of `managedFields`).
  static bool has_one_spelling(std::string_view text) {
    for (std::size_t at = text.find('\\'); at != std::string_view::npos; at = text.find('\\', at + 2))
      if (text[at + 1] != '"' && text[at + 1] != '\\') return false;
    return true;
  }

  void key(std::string_view text) {
    count();
    Frame& frame = frames_[depth_ - 1];
    if (!has_one_spelling(text) || is_known(frame, text)) return stop();
    keys_.push_back(text);
    frame.key = text;
  }

  bool is_known(Frame& frame, std::string_view text) {
    const auto first = keys_.begin() + static_cast<std::ptrdiff_t>(frame.first_key);
    if (keys_.size() - frame.first_key < kIndexFrom) return std::find(first, keys_.end(), text) != keys_.end();
    if (frame.index.empty()) frame.index.insert(first, keys_.end());
    return !frame.index.insert(text).second;
  }

  std::vector<Piece> pieces_;
  std::vector<Frame> frames_;  // those below `depth_` are open
  std::size_t depth_ = 0;
  std::vector<std::string_view> keys_;  // of all open mappings
  std::size_t nodes_ = 0;
  bool stopped_ = false;
};

// None: a null, which is no document, though an item it may be.
std::optional<Node> read_value(FileId file, std::string_view text, std::uint32_t begin, yaml::PassedOver passed_over = {}) {
  DiagSink silent;  // its outline was without a fault
  yaml::Builder builder(file, silent, 0);
  yaml::NodeOut out(file, builder);
  JsonReader(text, begin, out, passed_over).read_one();
  std::vector<Node> read = builder.take();
  if (read.empty()) return std::nullopt;
  return std::move(read.front());
}

bool is_list(const Node& document) {
  const Node* kind = document.is_mapping() ? document.find("kind") : nullptr;
  return kind != nullptr && kind->is_scalar() && kind->text.ends_with("List");
}

void take_piece(FileId file, std::string_view text, Piece& piece, const std::function<void(Node, const Items&)>& take) {
  auto document = read_value(file, text, piece.begin, piece.list);
  if (!document) return;
  if (is_list(*document)) return take(std::move(*document), Items(file, text, std::move(piece.items)));
  if (!piece.items.empty()) document = read_value(file, text, piece.begin);
  take(std::move(*document), Items(file, text, {}));
}

}  // namespace

Node Items::read(std::size_t index) const {
  const std::uint32_t begin = begins_[index];
  if (auto node = read_value(file_, text_, begin)) return std::move(*node);
  return Node{.kind = NodeKind::Null, .span = {file_, begin, begin + 4}};
}

bool read_in_pieces(FileId file, const SourceManager& sources, const std::function<void(Node document, const Items& items)>& take) {
  const yaml::Input input = yaml::input_of(file, sources.text(file));
  if (!yaml::begins_like_json(input) || yaml::check_text(input)) return false;
  Outline outline;
  if (!JsonReader(input.text, input.start, outline).read_all() || outline.stopped()) return false;
  for (Piece& piece : outline.take()) take_piece(file, input.text, piece, take);
  return true;
}

}  // namespace netpolc::frontend
