// compiler/all_ports.h — `verify --all-ports`: what is allowed between two references.
#pragma once
#include <cstdio>
#include <string>

#include "verify/all_ports.h"
#include "verify/judge.h"

namespace netpolc::compiler {

// text: a verdict word and a table. json: the verdict and every pair with any allowed traffic.
// jsonl: a line for each of those pairs; a list is an answer, so it ends well whatever it says,
// unless some pair is undecided. Returns the exit code.
//
// {"from":"a/x","to":"a/y","allowed":[{"protocol":"TCP","ports":"80,8000-8999","l7":"http","auth":"required"}]}
//   "ports" are types for ICMP and ICMPv6; "protocol":"other" is all that has no name here, "*" everything;
//   "l7" and "auth" are there where proxies look into the traffic, or authentication is asked for.
// "partly": what more passes in some cases, where the two names stand for several (replicas on
//   different nodes, addresses of one name). "undecided": the reason, in place of "allowed".
// `by_class`: classes of parties that no policy tells apart, and then traffic between classes; what is said of two
// classes is said of every member of one and every other member of the other.
//
// {"class":1,"members":["a/x","a/z"]}
// {"from":[1,2],"to":[2,3],"allowed":[{"protocol":"TCP","ports":"80"}]}
// `cross_check`: each side of an answer is asked of the solver again; a disagreement is an internal error, and a budget
// that is used up makes the whole answer undecided.
int all_ports(const std::string& from, const std::string& to, const std::string& output, verify::Judge& judge,
              const ir::eval::World& world, const ir::IdentityLock& lock, std::FILE* file = stdout, bool by_class = false,
              bool cross_check = false);

struct ListedByClass {
  verify::Word word = verify::Word::Denied;
  bool undecided = false;
};
// `asked`: for people. None: some party is a service, whose ports are translated; nothing is printed.
std::optional<ListedByClass> all_ports_by_class(const std::string& asked, const std::string& output, verify::AllPorts& ports, const verify::Parties& sources,
                                                const verify::Parties& destinations, std::FILE* file);

}  // namespace netpolc::compiler
