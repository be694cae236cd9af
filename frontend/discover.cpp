#include "frontend/discover.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>

#include "frontend/archive/archive.h"
#include "frontend/archive/compressed.h"
#include "frontend/manifest_file.h"

namespace netpolc::frontend {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLargest = std::size_t{1} << 30;  // places are 32-bit offsets

void unreadable(const std::string& path, const std::string& why, DiagSink& sink) {
  sink.error({.kind = DiagKind::FileUnreadable,
              .where = std::nullopt,
              .message = "`" + path + "` cannot be read: " + why});
}

std::vector<std::string> manifests_below(const std::string& directory, const IgnoreRules& ignored, DiagSink& sink) {
  std::vector<std::string> found;
  std::error_code error;
  fs::recursive_directory_iterator entry(directory, error);
  for (const fs::recursive_directory_iterator end; !error && entry != end; entry.increment(error)) {
    std::error_code unknown;  // a dangling link is no file
    const bool is_directory = entry->is_directory(unknown) && !entry->is_symlink(unknown);
    if (is_directory || is_manifest_file(entry->path().native())) {
      if (ignored.skips(entry->path().string(), is_directory)) {
        if (is_directory) entry.disable_recursion_pending();
        continue;
      }
    }
    if (is_manifest_file(entry->path().native()) && entry->is_regular_file(unknown)) found.push_back(entry->path().string());
  }
  if (error) unreadable(directory, error.message(), sink);
  std::sort(found.begin(), found.end());
  return found;
}

// A path that went astray must not pass for policies without a fault: where nothing else is read,
// an empty directory is an error.
void say_empty(const std::vector<std::string>& directories, bool nothing_read, DiagSink& sink) {
  for (const std::string& directory : directories) {
    Diagnostic found{.kind = DiagKind::NoManifests,
                     .where = std::nullopt,
                     .message = "no .yaml, .yml or .json file is in `" + directory + "` or below it",
                     .severity = nothing_read ? Severity::Error : Severity::Warning};
    if (nothing_read)
      sink.error(std::move(found));
    else
      sink.warning(std::move(found));
  }
}

std::optional<std::string> read_all(std::istream& in) {
  std::string text, block(std::size_t{1} << 16, '\0');
  while (in.read(block.data(), static_cast<std::streamsize>(block.size())) || in.gcount() != 0) text.append(block, 0, static_cast<std::size_t>(in.gcount()));
  if (in.bad()) return std::nullopt;
  return text;
}

std::optional<std::string> read_file(const std::string& path, DiagSink& sink) {
  std::error_code error;
  const auto size = fs::file_size(path, error);  // not for pipes, which are read all the same
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    unreadable(path, std::strerror(errno), sink);
    return std::nullopt;
  }
  std::string text;
  if (!error && size <= kLargest) {
    text.resize(size);
    in.read(text.data(), static_cast<std::streamsize>(size));
    text.resize(static_cast<std::size_t>(in.gcount()));
  }
  // What is left: all of a pipe or of a file in /proc, whose size is said to be 0.
  if (!in.bad() && in.good() && (error || size <= kLargest)) {
    if (auto rest = read_all(in)) text += *rest;
  }
  if (in.bad()) {
    unreadable(path, std::strerror(errno), sink);
    return std::nullopt;
  }
  if (text.size() <= kLargest && (error || size <= kLargest)) return text;
  sink.error({.kind = DiagKind::InputTooLarge,
              .where = std::nullopt,
              .message = "`" + path + "` is larger than 1 GiB"});
  return std::nullopt;
}

std::optional<std::string> read_compressed_file(const std::string& path, DiagSink& sink) {
  auto text = read_compressed(path);
  if (text) return std::move(*text);
  sink.error({.kind = DiagKind::FileUnreadable, .where = std::nullopt, .message = "the compressed file cannot be read: " + text.error().message});
  return std::nullopt;
}

// Whether it has any manifests.
bool add_archive(const std::string& path, SourceManager& sources, std::vector<Input>& files, DiagSink& sink) {
  auto members = read_archive(path, [](const std::string& name) { return is_manifest(name); });
  if (!members) {
    sink.error({.kind = DiagKind::FileUnreadable, .where = std::nullopt, .message = "the archive cannot be read: " + members.error().message});
    return true;
  }
  for (Member& member : *members) files.push_back({sources.add(path + "/" + member.name, std::move(member.text)), false});
  return !members->empty();
}

}  // namespace

bool is_manifest_file(const std::string& path) { return is_manifest(is_compressed(path) ? uncompressed_name(path) : path); }

bool is_manifest(std::string_view path) {
  const std::string name = fs::path(path).filename().string();
  if (name == ".netpolc.yaml" || name.starts_with("hubble-flows-")) return false;  // our own settings, and what Hubble recorded
  const std::string extension = fs::path(path).extension().string();
  return extension == ".yaml" || extension == ".yml" || extension == ".json";
}

std::vector<Input> read_inputs(const std::vector<std::string>& paths, SourceManager& sources, DiagSink& sink, const IgnoreRules& ignored) {
  std::vector<Input> files;
  std::vector<std::string> empty;
  const auto add = [&](const std::string& path, bool named) {
    if (auto text = is_compressed(path) ? read_compressed_file(path, sink) : read_file(path, sink)) files.push_back({sources.add(path, std::move(*text)), named});
  };
  for (const std::string& path : paths) {
    std::error_code error;
    if (path == "-") {
      if (auto text = read_all(std::cin)) {
        files.push_back({sources.add("<stdin>", std::move(*text)), true});
      } else {
        unreadable("<stdin>", std::strerror(errno), sink);
      }
    } else if (fs::is_directory(path, error)) {
      const auto errors = sink.errors();
      const auto manifests = manifests_below(path, ignored, sink);
      if (manifests.empty() && sink.errors() == errors) empty.push_back(path);
      for (const std::string& file : manifests) add(file, false);
    } else if (is_archive(path) && fs::exists(path, error)) {
      if (!add_archive(path, sources, files, sink)) empty.push_back(path);
    } else if (error && error != std::errc::no_such_file_or_directory) {
      unreadable(path, error.message(), sink);
    } else {
      add(path, true);
    }
  }
  say_empty(empty, files.empty(), sink);
  return files;
}

}  // namespace netpolc::frontend
