// runtime-loader/cni/error.h — how a CNI plugin fails: an object on standard output, and exit code 1 (CNI specification, "Error").
#pragma once
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace netpolc::cni {

// Codes of the specification; from 100 on they are a plugin's own.
enum class Code : int {
  IncompatibleVersion = 1,
  UnsupportedField = 2,
  InvalidEnvironment = 4,
  Io = 5,
  Undecodable = 6,
  InvalidConfig = 7,
  TryAgainLater = 11,
  NotAvailable = 50,  // STATUS: no ADD would succeed
  Refused = 100,      // the daemon's word: it will be the same the next time
  NotInForce = 101,   // CHECK: the endpoint is not as it was added
};

struct Error {
  Code code = Code::Io;
  std::string message;
  std::string details = {};
};

template <class T>
using Result = tl::expected<T, Error>;
inline tl::unexpected<Error> fail(Code code, std::string message, std::string details = {}) {
  return tl::make_unexpected(Error{code, std::move(message), std::move(details)});
}

}  // namespace netpolc::cni
