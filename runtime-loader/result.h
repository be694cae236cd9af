// runtime-loader/result.h — how the loader fails: with a kind that becomes the exit code, and a
// sentence that says what was tried, on what, and why it failed.
#pragma once
#include <string>
#include <system_error>
#include <tl/expected.hpp>
#include <utility>
#include <variant>

namespace netpolc::loader {

enum class FailureKind { Input, Kernel };  // exit 2: the bundle or the request; exit 4: the machine

struct Failure {
  FailureKind kind = FailureKind::Kernel;
  std::string message;
};

template <class T>
using Result = tl::expected<T, Failure>;
using Done = Result<std::monostate>;

inline tl::unexpected<Failure> bad_input(std::string message) {
  return tl::make_unexpected(Failure{FailureKind::Input, std::move(message)});
}
inline tl::unexpected<Failure> refused(std::string message) {
  return tl::make_unexpected(Failure{FailureKind::Kernel, std::move(message)});
}
// `error` is a positive errno.
inline tl::unexpected<Failure> refused(const std::string& what, int error) {
  return refused(what + ": " + std::generic_category().message(error));
}

}  // namespace netpolc::loader
