// compiler/password.h — a password from whoever sits at the terminal, or from where a machine keeps it.
#pragma once
#include <string>
#include <tl/expected.hpp>

namespace netpolc::compiler {

inline constexpr const char* kPasswordVariable = "NETPOLC_SIGN_PASSWORD";

struct PasswordSource {
  std::string file;  // its first line; "": the environment's kPasswordVariable, else the terminal
};
// `twice`: a new one, which whoever types it has to repeat. An error in words; an empty password is one.
tl::expected<std::string, std::string> password(const PasswordSource& source, bool twice);

}  // namespace netpolc::compiler
