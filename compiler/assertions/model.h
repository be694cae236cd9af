// compiler/assertions/model.h — what assertion files say (docs/test.md): tests as they were written, with their places.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "compiler/request_options.h"
#include "ir/base/source.h"
#include "ir/labels.h"
#include "verify/symbolic/traffic_range.h"

namespace netpolc::compiler::assertions {

// An endpoint reference (docs/command-line.md) whose form was checked. Whether there is somebody so called is found out later.
struct Reference {
  std::string text;
  Span where = {};
};

// Somebody who is reached, and the traffic that is said beside them; none: the test's.
struct Target {
  Reference end;
  std::vector<verify::FlowRange> traffic = {};
};

// Some: of the connections that are meant, at least one is allowed.
enum class Expect : unsigned char { Allow, Deny, Some };
const char* to_string(Expect expect);  // "allow"

// Whom besides the targets nothing may reach. Alike: everybody outside of the cluster if that is where all targets are, else everybody.
enum class Only : unsigned char { No, Alike, Outside, Everything };

// Workloads, by labels of their pods and of their namespaces.
struct ForEach {
  ir::Selector pods, namespaces;
  Span where;
};

struct Test {
  std::string name;
  Span where = {};  // of the name, or of the item
  std::vector<Reference> from = {};
  std::vector<Target> to = {};
  std::vector<verify::FlowRange> traffic = {};  // none: as services have it
  std::vector<Reference> except_from = {}, except_to = {};  // left out
  Expect expect = Expect::Allow;
  Only only = Only::No;
  bool symbolic = false;                  // patterns are all pods that could be; requests are expressions
  std::vector<std::string> without = {};  // keys of labels that no such pod has
  RequestOptions request = {};            // over such a connection
  bool allow_vacuous = false;
  std::optional<ForEach> for_each = std::nullopt;
  std::string pack = {};                  // "safety/dns": one of its tests, or, as written in a file, all of them
  std::string nobody = {};                // why it is about nobody, where that is known before it is judged
};

struct File {
  FileId id;
  std::vector<Test> tests;  // of all its documents
};

}  // namespace netpolc::compiler::assertions
