// compiler/report/model.h — what a report is made of: who there is, what may pass between them, which policies say so, what they
// cost, and what has changed since a former set. Pages, tables and graphs only arrange it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "compiler/diff/report.h"
#include "compiler/report/cost.h"
#include "compiler/session.h"

namespace netpolc::compiler {

struct ReportEnd {
  enum class Kind { Workload, Inside, Outside, Name };  // inside the cluster: hosts, nodes, other reserved identities
  std::string name;                                     // as references are written, "shop/cart"
  std::string ns;                                       // of a workload
  Kind kind = Kind::Workload;
  bool internet = false;          // the world, or addresses that are routed there
  bool sends = true;              // not of a name without an address: only destinations are known by name
  bool came = false;              // the former set has no such workload
  std::uint32_t group = 0;        // ends of one group may send and receive the same, from and to everybody
  std::string ingress, egress;    // enforcement of a managed endpoint: "none", "default-allow", "default-deny"; else empty
  std::vector<std::uint32_t> policies;  // that select it; places in Report::policies
  // Of what toFQDNs rules mean: how it is known which addresses those are, and the rules, as text.
  std::string how;
  std::vector<std::string> by;
};

// Traffic from one group to another; of a group to itself, between two of its members.
struct ReportCell {
  // Everything: on all protocols and ports, with no proxy. Unsaid: neither end has a policy here.
  enum class Kind { Nothing, Some, Everything, Undecided, Unsaid };
  Kind kind = Kind::Unsaid;
  std::uint32_t text = 0;    // place in Report::texts: "TCP 80 · UDP 53", or why it is undecided
  std::uint32_t change = 0;  // place in Report::changes
};

// Of a cell, since the former set.
struct ReportChange {
  char mark = ' ';           // + opened, - closed, ~ anything else; a space: none
  std::string word;          // "opened", as `diff` says it
  std::uint32_t before = 0;  // what passed: place in Report::texts
  bool operator==(const ReportChange&) const = default;
};

struct ReportPolicy {
  std::string name;   // "CiliumNetworkPolicy shop/cart"
  std::string place;  // "policies/shop.yaml:12"
  std::size_t rules = 0, selected = 0;
  std::vector<std::string> meaning;  // in words: whom it is for, what it switches on, each rule
};
std::vector<std::string> meaning_of(const ir::Policy& policy, const ir::Config& config);

struct Report {
  std::string cilium;                              // "1.18"
  std::vector<ReportEnd> ends;                     // workloads by name, then the rest
  std::vector<std::vector<std::uint32_t>> groups;  // their members: places in `ends`
  std::vector<std::vector<ReportCell>> cells;      // [from][to], by group
  std::vector<std::string> texts;                  // the first is "nothing"
  std::vector<ReportPolicy> policies;              // by kind and name
  std::size_t names = 0;                           // rules that allow by DNS name
  std::optional<ReportCost> cost;                  // where it was asked for
  // Where there is a former set: what it is called, the difference as `diff` says it, and what cells refer to.
  std::string against;
  std::optional<DiffReport> difference;
  bool difference_unsure = false;  // see chooses_otherwise
  std::vector<ReportChange> changes{{}};

  const ReportCell& cell(const ReportEnd& from, const ReportEnd& to) const { return cells[from.group][to.group]; }
};

// Costs as much as there are pairs of groups, and a line for each end; with a former set (what it is called is `against`) what
// `diff` costs on top. No costs of policies: see make_cost.
Report make_report(const Session& session);
Report make_report(const Session& before, const std::string& against, const Session& after);

// "from,to,passes,traffic", a line for every pair of ends that something passes between, or that is undecided. RFC 4180. With a
// former set ",change,before", and also what passes no more.
std::string report_csv(const Report& report);
// A line for each distinct policy of endpoints. Precondition: there are costs.
std::string report_cost_csv(const Report& report);
// For Graphviz: namespaces are clusters, an edge says what passes, or what has changed. Ends that everything passes between have none.
std::string report_dot(const Report& report);
// The same picture, drawn: namespaces as boxes. Of more than `most` ends, namespaces only.
std::string report_svg(const Report& report, std::size_t most = 120);
// One file: no other is fetched, no script is needed to read it.
std::string report_html(const Report& report);

// "closed: TCP 80 → nothing"; "" of a cell that is as it was.
std::string change_text(const Report& report, const ReportCell& cell);

}  // namespace netpolc::compiler
