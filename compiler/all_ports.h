// compiler/all_ports.h — `verify --all-ports`: what is allowed between two references.
#pragma once
#include <string>

#include "verify/judge.h"

namespace netpolc::compiler {

// text: a verdict word and a table; json, jsonl: one line per pair with any allowed traffic.
int all_ports(const std::string& from, const std::string& to, const std::string& output, verify::Judge& judge,
              const ir::eval::World& world, const ir::IdentityLock& lock);

}  // namespace netpolc::compiler
