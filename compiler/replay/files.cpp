#include "compiler/replay/files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>

#include "frontend/archive/archive.h"
#include "frontend/archive/compressed.h"

namespace netpolc::compiler::replay {
namespace {

namespace fs = std::filesystem;

bool is_recording(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.ends_with(".jsonl") || (name.starts_with("hubble-flows-") && name.ends_with(".json"));
}

bool is_recording_file(const std::string& path) { return is_recording(frontend::is_compressed(path) ? frontend::uncompressed_name(path) : path); }

std::vector<std::string> recordings_below(const std::string& directory, std::error_code& error) {
  std::vector<std::string> found;
  fs::recursive_directory_iterator entry(directory, error);
  for (const fs::recursive_directory_iterator end; !error && entry != end; entry.increment(error)) {
    std::error_code unknown;
    if (is_recording_file(entry->path().string()) && entry->is_regular_file(unknown)) found.push_back(entry->path().string());
  }
  std::sort(found.begin(), found.end());
  return found;
}

void append(std::vector<ReadError>& to, std::vector<ReadError> more) { to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end())); }

std::vector<ReadError> read_compressed(const std::string& path, Recording& recording) {
  auto text = frontend::read_compressed(path);
  if (!text) return {{text.error().message}};
  std::istringstream in(std::move(*text));
  return recording.read(in, path);
}

std::vector<ReadError> read_file(const std::string& path, Recording& recording) {
  if (frontend::is_compressed(path)) return read_compressed(path, recording);
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) return {{path + ": " + std::strerror(errno)}};
  auto errors = recording.read(in, path);
  if (in.bad()) errors.push_back({path + ": " + std::strerror(errno)});
  return errors;
}

std::vector<ReadError> read_directory(const std::string& path, Recording& recording) {
  std::error_code error;
  std::vector<ReadError> errors;
  const auto files = recordings_below(path, error);
  if (error) errors.push_back({path + ": " + error.message()});
  else if (files.empty()) errors.push_back({path + ": no hubble-flows-*.json or *.jsonl is in it or below it"});
  for (const std::string& file : files) append(errors, read_file(file, recording));
  return errors;
}

std::vector<ReadError> read_archive(const std::string& path, Recording& recording) {
  auto members = frontend::read_archive(path, [](const std::string& name) { return is_recording(name); });
  if (!members) return {{members.error().message}};
  if (members->empty()) return {{path + ": no hubble-flows-*.json or *.jsonl is in it"}};
  std::vector<ReadError> errors;
  for (frontend::Member& member : *members) {
    std::istringstream in(std::move(member.text));
    append(errors, recording.read(in, path + "/" + member.name));
  }
  return errors;
}

std::vector<ReadError> read_path(const std::string& path, Recording& recording) {
  std::error_code error;
  if (path == "-") return recording.read(std::cin, "<stdin>");
  if (fs::is_directory(path, error)) return read_directory(path, recording);
  return frontend::is_archive(path) ? read_archive(path, recording) : read_file(path, recording);
}

}  // namespace

std::vector<ReadError> read(const std::vector<std::string>& paths, Recording& recording) {
  std::vector<ReadError> errors;
  for (const std::string& path : paths) append(errors, read_path(path, recording));
  return errors;
}

}  // namespace netpolc::compiler::replay
