// verify/diff/request_search.h — is there a request that the proxies of one set let through and those of the other don't? The
// solver looks for one (verify/symbolic), and what it finds is judged by the interpreter of both sets before anybody sees it.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "verify/diff/sets.h"
#include "verify/symbolic/request_range.h"

namespace netpolc::verify::diffs {

// One side of a connection, as one set has it.
struct RequestSide {
  SubjectId subject = 0;
  FactsId own = 0, peer = 0;  // as what the subject and the other end are seen
};

struct RequestQuestion {
  std::string name;  // of what it is called where it is given up
  ir::Direction direction = ir::Direction::Ingress;
  RequestSide before, after;
  ir::Flow flow;  // gets to a proxy in both
  RequestRange::Kind kind = RequestRange::Kind::Http;
};

// Of what is undecided `why` is said, and the other half of the answer may stand beside it.
struct RequestAnswer {
  std::optional<ir::Request> opened, closed;
  std::string why;
};

class RequestSearch {
 public:
  explicit RequestSearch(Sets& both);
  ~RequestSearch();
  // Throws std::logic_error where the interpreter doesn't say what the solver does: then one of them is wrong.
  RequestAnswer compare(const RequestQuestion& question);
  ir::RequestVerdict verdict(Set& set, const RequestSide& side, const RequestQuestion& question, const ir::Request& request) const;

 private:
  struct Prepared;
  std::optional<ir::Request> look(const RequestQuestion& question, bool closed, std::string& why);
  Sets& both_;
  std::unique_ptr<Prepared> prepared_;
};

}  // namespace netpolc::verify::diffs
