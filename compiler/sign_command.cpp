// sign: a signature beside a bundle's bundle.json, and the keys for it.
#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "codegen-bpf/bundle_files.h"
#include "compiler/commands.h"
#include "compiler/exit_code.h"
#include "compiler/password.h"
#include "compiler/session.h"
#include "trust/minisign.h"

namespace netpolc::compiler {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string bundle, key, generate;
  std::optional<std::string> comment;
  bool no_password = false;
  PasswordSource password;
};

// "" if all of it is there; never over what is there.
std::string write_new(const std::string& path, const std::string& text, mode_t mode) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
  if (fd < 0) return path + ": " + std::strerror(errno);
  const bool whole = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const bool closed = close(fd) == 0;
  if (whole && closed) return "";
  const std::string why = path + ": " + std::strerror(errno);
  unlink(path.c_str());
  return why;
}

int generate(const Options& options) {
  const std::string secret = options.generate + ".key", open_to_all = options.generate + ".pub";
  for (const std::string& path : {secret, open_to_all})
    if (std::error_code error; fs::symlink_status(path, error).type() != fs::file_type::not_found) return complain(path + " is there already; keys are never replaced");
  std::optional<std::string> chosen;
  if (!options.no_password) {
    auto said = password(options.password, true);
    if (!said) return complain(said.error());
    chosen = std::move(*said);
  }
  const trust::SecretKey key = trust::make_key();
  const auto text = trust::to_text(key, chosen);
  if (!text) return complain(text.error());
  if (const std::string why = write_new(secret, *text, 0600); !why.empty()) return complain(why);
  if (const std::string why = write_new(open_to_all, trust::to_text(key.public_key()), 0644); !why.empty()) {
    unlink(secret.c_str());
    return complain(why);
  }
  std::printf("%s  %s %s\n", trust::to_string(key.id).c_str(), secret.c_str(), open_to_all.c_str());
  std::fprintf(stderr, "netpolc: keep %s to yourself; nodes get %s (netpol-loader load --trusted-keys)\n", secret.c_str(), open_to_all.c_str());
  return kGood;
}

tl::expected<trust::SecretKey, std::string> secret_key(const Options& options) {
  std::ifstream in(options.key, std::ios::binary);
  if (!in) return tl::make_unexpected(options.key + ": " + std::strerror(errno));
  std::string text(trust::kTextLimit + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  auto key = trust::read_secret_key(text, [&] { return password(options.password, false); });
  if (!key) return tl::make_unexpected(options.key + ": " + key.error());
  return key;
}

// Readers see the former signature or the new one, and never another file in the bundle.
std::string replace(const fs::path& path, const std::string& text) {
  const fs::path bundle = path.parent_path(), temporary = bundle.string() + ".signing-" + std::to_string(getpid());
  if (const std::string why = write_new(temporary, text, 0644); !why.empty()) return why;
  std::error_code error;
  fs::rename(temporary, path, error);
  if (!error) return "";
  fs::remove(temporary, error);
  return path.string() + ": can't be replaced";
}

int sign(const Options& options) {
  const auto files = codegen_bpf::read_bundle(options.bundle);
  if (!files) return complain(files.error().message);
  const std::string& manifest = files->at(codegen_bpf::kManifestPath);
  const auto key = secret_key(options);
  if (!key) return complain(key.error());
  const std::string digest = nlohmann::json::parse(manifest).at("digest");
  const auto text = trust::sign(*key, manifest, options.comment.value_or("netpolc bundle " + digest));
  if (!text) return complain("--comment: " + text.error());
  fs::path bundle(options.bundle);
  if (!bundle.has_filename()) bundle = bundle.parent_path();
  const fs::path path = bundle / (std::string(codegen_bpf::kManifestPath) + trust::kSignatureSuffix);
  if (const std::string why = replace(fs::absolute(path), *text); !why.empty()) return complain(why);
  std::printf("%s  %s\n", trust::to_string(key->id).c_str(), path.string().c_str());
  return kGood;
}

int sign_command(const Options& options) {
  if (!options.generate.empty()) return generate(options);
  if (options.bundle.empty() || options.key.empty()) return complain("sign needs a bundle and --key, or --generate NAME");
  return sign(options);
}

}  // namespace

void add_sign(CLI::App& root, Action& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command = root.add_subcommand("sign", "Signs a bundle as minisign does, so that nodes take no other; makes keys for it");
  CLI::Option* bundle = command->add_option("bundle", options->bundle, "Directory of the bundle; the signature is put beside its bundle.json")->type_name("PATH");
  command->add_option("--key", options->key, "The secret key, in a file of this command or of minisign -G")->type_name("PATH")->group("Signing");
  command->add_option("--comment", options->comment, "What is signed with it and shown by nodes, one line (default: the bundle's digest)")->group("Signing");
  CLI::Option* generate = command->add_option("--generate", options->generate, "Make a pair of keys instead, NAME.key and NAME.pub")->type_name("NAME")->group("Keys")->excludes(bundle);
  command->add_flag("--no-password", options->no_password, "... that needs no password: whoever reads NAME.key can sign")->group("Keys")->needs(generate);
  command->add_option("--password-file", options->password.file, "The password is the first line of this file (default: $NETPOLC_SIGN_PASSWORD, else the terminal is asked)")
      ->type_name("PATH")
      ->group("Keys");
  command->callback([options, &chosen] { chosen = [options] { return sign_command(*options); }; });
}

}  // namespace netpolc::compiler
