// verify/symbolic/request_range.h — which requests a question is about.
#pragma once
#include <string>
#include <vector>

namespace netpolc::verify {

// HTTP requests over TCP, DNS queries over UDP and TCP, or TLS over TCP by its server name. Of HTTP, regular expressions as
// policies have them (the whole text, RE2); empty: any. Of DNS a name or a pattern as policies have it, of TLS one as
// `serverNames` of Cilium 1.20 have it, whatever the version; empty: any.
struct RequestRange {
  enum class Kind : unsigned char { Http, Dns, Tls } kind = Kind::Http;
  std::string method = {}, path = {}, host = {};
  std::vector<std::string> headers = {};  // "Name: value", or "Name" for that it is there
  std::string name = {};
  std::string said = {};  // how people are told of it, where that is not what is above
};
std::string to_string(const RequestRange& range);  // "GET /admin.*", "DNS *.example.com"

}  // namespace netpolc::verify
