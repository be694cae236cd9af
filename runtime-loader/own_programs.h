// runtime-loader/own_programs.h — the programs of an installation, opened by their pins and never by a
// number: to put on interfaces, to put back what was there, and to check what is there.
#pragma once
#include <cstdint>
#include <map>
#include <string>

#include "runtime-loader/attachment.h"
#include "runtime-loader/fd.h"
#include "runtime-loader/installation.h"
#include "runtime-loader/result.h"

namespace netpolc::loader {

struct OwnProgram {
  int fd = -1;  // owned by OwnPrograms
  std::uint32_t id = 0;
};
struct ProgramPair {
  OwnProgram from_pod, to_pod;
};

class OwnPrograms {
 public:
  // Opens all that is pinned of this generation; the program that lets nothing pass is there always.
  Done add_generation(const Installation& site, std::uint64_t generation);
  // Of the generation that an attachment's program is taken from.
  Result<ProgramPair> of(const Installation& site, std::uint64_t generation, const Attachment& attachment);
  // -1: none of ours has this number.
  int by_id(std::uint32_t id) const;
  // What is pinned for what is attached is what was pinned by the load: `tags` as the state has them, and
  // the maps that the programs use those of the generation. Fails as kernel with what is otherwise.
  Done check(const Installation& site, const std::map<std::string, std::uint64_t>& tags, std::uint64_t generation) const;

 private:
  Result<OwnProgram> add(Fd program, const std::string& path);
  std::map<std::string, OwnProgram> by_path_;
  std::map<std::uint32_t, Fd> by_id_;
};

// What the kernel calls a program's instructions.
Result<std::uint64_t> program_tag(int program);

}  // namespace netpolc::loader
