// compiler/import/files.h — what was kept of a dump as text, and where that is written.
#pragma once
#include <map>
#include <string>

#include "frontend/import/keep.h"

namespace netpolc::compiler::import {

// The objects of each file, as YAML documents, by the file's name.
std::map<std::string, std::string> as_files(const frontend::Kept& kept);
// All of them in one, in the order of the groups.
std::string as_one_file(const frontend::Kept& kept);

// Whether `path` is meant as a file: it ends in .yaml or .yml; else it is a directory.
bool is_file_name(const std::string& path);
// Creates the directory. One that has other manifests is left alone, since they would be read along with what is written.
Result<bool> write_directory(const std::string& path, const std::map<std::string, std::string>& files);
Result<bool> write_file(const std::string& path, const std::string& text);
// One that its owner alone can read, whatever it was before.
Result<bool> write_secret_file(const std::string& path, const std::string& text);

}  // namespace netpolc::compiler::import
