// The command line as a whole: what it prints, and how it ends.
#include "compiler/cli.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "compiler/exit_code.h"

using namespace netpolc::compiler;

namespace {

const std::string kArticle = NETPOLC_TESTDATA "/policies/article";

// A folder of its own, gone at the end.
struct Folder {
  std::string path;
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "netpolc-cli-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path); }
  std::string file(const char* name, const std::string& text) const {
    std::ofstream(path + "/" + name) << text;
    return path + "/" + name;
  }
};

// Sends a stream to a file, and back again.
class Redirected {
 public:
  Redirected(std::FILE* stream, const std::string& path) : stream_(stream) {
    std::fflush(stream_);
    kept_ = dup(fileno(stream_));
    const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(file, fileno(stream_));
    close(file);
  }
  Redirected(const Redirected&) = delete;
  Redirected& operator=(const Redirected&) = delete;
  ~Redirected() {
    std::fflush(stream_);
    std::clearerr(stream_);
    dup2(kept_, fileno(stream_));
    close(kept_);
  }

 private:
  std::FILE* stream_;
  int kept_ = -1;
};

std::string content(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct Done {
  int code = -1;
  std::string out, err;
};

Done netpolc_with(std::vector<std::string> words, const std::string& out = {}, const char* locale = "C.UTF-8", const char* program = "netpolc") {
  const Folder folder;
  setenv("LC_ALL", locale, 1);
  std::vector<const char*> argv{program};
  for (const auto& word : words) argv.push_back(word.c_str());
  Done done;
  {
    const Redirected first(stdout, out.empty() ? folder.path + "/out" : out);
    const Redirected second(stderr, folder.path + "/err");
    done.code = run(static_cast<int>(argv.size()), argv.data());
  }
  if (out.empty()) done.out = content(folder.path + "/out");
  done.err = content(folder.path + "/err");
  return done;
}

bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

std::vector<std::string> ask(std::vector<std::string> more) {
  std::vector<std::string> words{"verify", kArticle, "--from", "production/frontend", "--to", "production/backend"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

constexpr const char* kL7 = R"(
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: web, namespace: production}
spec:
  endpointSelector: {matchLabels: {app: backend}}
  ingress:
  - fromEndpoints: [{matchLabels: {app: frontend}}]
    toPorts:
    - ports: [{port: "8080", protocol: TCP}]
      rules: {http: [{method: GET, path: "/public/.*"}]}
)";

}  // namespace

TEST_CASE("a request is answered by the lists of the rules") {
  const Folder folder;
  const auto ask_for = [&](const char* request, std::vector<std::string> more = {}) {
    std::vector<std::string> words{"verify", kArticle + "/cluster.yaml", folder.file("l7.yaml", kL7), "--from", "production/frontend", "--to", "production/backend", "--port", "8080/TCP", "--http", request};
    words.insert(words.end(), more.begin(), more.end());
    return netpolc_with(words);
  };
  CHECK(ask_for("GET /public/a?b=c").code == kGood);
  CHECK(ask_for("GET /public/a HTTP/1.1").code == kGood);
  CHECK(ask_for("GET /public").code == kNegative);
  const Done refused = ask_for("POST /public/a");
  CHECK(refused.code == kNegative);
  CHECK(has(refused.out, "a proxy is asked; the request is refused: it is in no list of\n             ingress[0]"));
  const auto json = nlohmann::json::parse(ask_for("POST /public/a", {"-o", "json"}).out);
  CHECK(json["verdict"] == "DENIED");
  CHECK(json["ingress"]["verdict"] == "allow-l7");
  CHECK(json["ingress"]["request"]["verdict"] == "deny");
}

TEST_CASE("an answer that is undecided never begins with another word") {
  const Folder folder;
  std::string kafka = kL7;
  kafka.replace(kafka.find("{http: [{method: GET, path: \"/public/.*\"}]}"), std::string::npos, "{kafka: [{topic: x}]}\n");
  const std::vector<std::string> words{"verify", kArticle + "/cluster.yaml", folder.file("l7.yaml", kafka.c_str()), "--from", "production/frontend",
                                       "--to", "production/backend", "--port", "8080/TCP", "--http", "POST /secret"};
  const Done done = netpolc_with(words);
  CHECK(done.code == kUndecided);
  CHECK(done.out.starts_with("UNDECIDED  production/frontend"));
}

TEST_CASE("an answer that can't be written is no good answer") {
  if (!std::filesystem::exists("/dev/full")) return;
  for (const char* locale : {"C.UTF-8", "C"}) {
    const Done done = netpolc_with(ask({"--port", "8080/TCP"}), "/dev/full", locale);
    CHECK(done.code == kNoAnswer);
    CHECK(has(done.err, "could not be written"));
  }
}

TEST_CASE("without UTF-8 text is ASCII, and what is for machines is not touched") {
  const auto is_ascii = [](const std::string& text) { return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; }); };
  const std::string shop = NETPOLC_TESTDATA "/test/shop";
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{ask({"--port", "8080/TCP"}), ask({"--all-ports"}), {"test", shop}, {"lint", shop}, {"--help"}, {"explain", "NP040"}, {"bogus"}}) {
    const Done plain = netpolc_with(words, {}, "C"), signs = netpolc_with(words);
    CHECK(plain.code == signs.code);
    const std::string both = plain.out + plain.err;
    CHECK_MESSAGE(is_ascii(both), both);
    CHECK(plain.out.empty() == signs.out.empty());
    CHECK(plain.err.empty() == signs.err.empty());
  }
  CHECK(has(netpolc_with(ask({"--port", "8080/TCP"}), {}, "C").out, "production/frontend -> production/backend"));
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{{"test", shop, "-o", "json"}, {"test", shop, "-ojunit"}, {"test", shop, "--output=sarif"}, {"man", "verify"}})
    CHECK(netpolc_with(words, {}, "C").out == netpolc_with(words).out);
  const Done last = netpolc_with(ask({"--port", "8080/TCP"}));
  CHECK(has(last.out, "→"));  // streams are as they were
}

TEST_CASE("as a plug-in of kubectl help says so") {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{{"verify", "--help"}, {"explain", "fqdn", "--help"}, {"import", "--help"}}) {
    const Done plain = netpolc_with(words), plug_in = netpolc_with(words, {}, "C.UTF-8", "/usr/bin/kubectl-netpolc");
    std::string expected = plain.out;
    for (const char* before : {"Usage: ", "\n  ", "| "}) {
      const std::string from = std::string(before) + "netpolc ", to = std::string(before) + "kubectl netpolc ";
      for (std::size_t at = 0; (at = expected.find(from, at)) != std::string::npos; at += to.size()) expected.replace(at, from.size(), to);
    }
    CHECK(has(plain.out, "\n  netpolc "));
    CHECK(plug_in.out == expected);
  }
}

TEST_CASE("questions that would be answered in part are refused") {
  for (const auto& more : std::vector<std::vector<std::string>>{
           {"--all-ports", "--port", "80/TCP"}, {"--queries", "/dev/null"}, {"--port", "80/TCP", "--http", "bogus"}}) {
    const Done done = netpolc_with(ask(more));
    CHECK(done.code == kNoAnswer);
    CHECK(done.out.empty());
  }
  CHECK(has(netpolc_with({"verify", "-", "--queries", "-"}).err, "both come from stdin"));
}

TEST_CASE("a port or a type that can't be read is told what was expected") {
  CHECK(has(netpolc_with(ask({"--port", "http/TCP"})).err, "--port http/TCP: expected a number to 65535"));
  CHECK(has(netpolc_with(ask({"--icmp", "300"})).err, "--icmp 300: expected a type"));
  CHECK(netpolc_with(ask({"--icmp", "RouterSelection"})).code == kNegative);  // Cilium's name
}

TEST_CASE("a directory in a file's place is refused, not empty") {
  const std::string directory = NETPOLC_TESTDATA;
  for (const char* option : {"--identities", "--resolutions"}) {
    const Done done = netpolc_with(ask({"--port", "8080/TCP", option, directory}));
    CHECK(done.code == kNoAnswer);
    CHECK(has(done.err, "Is a directory"));
  }
  const Done done = netpolc_with({"verify", kArticle, "--queries", directory});
  CHECK(done.code == kNoAnswer);
  CHECK(has(done.err, "Is a directory"));
}

TEST_CASE("nothing read is no answer; one empty directory of several is") {
  const Folder folder;
  CHECK(netpolc_with({"lint", folder.path}).code == kNoAnswer);
  CHECK(has(netpolc_with({"lint", folder.path}).err, "error[NP008]"));
  const Done done = netpolc_with({"lint", folder.path, kArticle});
  CHECK(done.code == kGood);
  CHECK(has(done.out, "NP008"));
}

TEST_CASE("a command that is misspelt is named") {
  const Done done = netpolc_with({"verfiy"});
  CHECK(done.code == kNoAnswer);
  CHECK(has(done.err, "`verfiy`"));
  CHECK(has(done.err, "verify"));
  CHECK(netpolc_with({"version"}).out.starts_with(netpolc_with({"--version"}).out));
}

TEST_CASE("rows of a table say which address they are about") {
  const Folder folder;
  const std::string policy = folder.file("p.yaml", R"(
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: c, namespace: production}
spec:
  endpointSelector: {matchLabels: {app: frontend}}
  egress: [{toCIDR: [192.0.2.11/32]}]
)");
  const std::string names = folder.file("names.json", R"({"api.example.com":["192.0.2.11","192.0.2.12"]})");
  std::vector<std::string> words{"verify", kArticle + "/cluster.yaml", policy, "--resolutions", names, "--from", "production/frontend",
                                 "--to", "fqdn:api.example.com", "--port", "443/TCP"};
  const Done text = netpolc_with(words);
  CHECK(text.code == kNegative);
  CHECK(has(text.out, "(api.example.com → 192.0.2.11)"));
  CHECK(has(text.out, "(api.example.com → 192.0.2.12)"));
  words.insert(words.end(), {"-o", "json"});
  CHECK(has(netpolc_with(words).out, R"("via":"api.example.com → 192.0.2.12")"));
}

TEST_CASE("-k reads what kubectl kustomize prints, and nothing where that fails") {
  const Folder folder;
  const std::string path = std::getenv("PATH");
  const auto kubectl = [&](const std::string& script) {
    std::filesystem::permissions(folder.file("kubectl", "#!/bin/sh\n" + script), std::filesystem::perms::owner_all);
    setenv("PATH", (folder.path + ":" + path).c_str(), 1);
    Done done = netpolc_with({"verify", "-k", "overlay", "-f", kArticle, "--from", "production/frontend", "--to", "production/added", "--port", "80"});
    setenv("PATH", path.c_str(), 1);
    return done;
  };
  const std::string pod = "cat <<END\napiVersion: v1\nkind: Pod\nmetadata: {name: added, namespace: production}\nEND\n";
  const Done good = kubectl("test \"$*\" = 'kustomize -- overlay' || exit 9\n" + pod);
  CHECK_MESSAGE(good.code == kNegative, good.err);
  CHECK(has(good.out, "DENIED  production/frontend → production/added"));
  const Done failed = kubectl(pod + "exit 3\n");
  CHECK(failed.code == kNoAnswer);
  CHECK(failed.out.empty());
  CHECK(has(failed.err, "`kubectl kustomize overlay` failed"));
  setenv("PATH", folder.path.c_str(), 1);
  std::filesystem::remove(folder.path + "/kubectl");
  const Done none = netpolc_with({"lint", "-k", "overlay"});
  setenv("PATH", path.c_str(), 1);
  CHECK(none.code == kNoAnswer);
  CHECK(has(none.err, "-k overlay needs kubectl"));
}

TEST_CASE("whoever asks for JSON by a setting gets errors so") {
  setenv("NETPOLC_OUTPUT", "json", 1);
  const Done done = netpolc_with({"verify", "nowhere", "--from", "a/b", "--to", "c/d", "--port", "80"});
  unsetenv("NETPOLC_OUTPUT");
  CHECK(done.code == kNoAnswer);
  CHECK(nlohmann::json::parse(done.out)["kind"] == "Error");
  CHECK(netpolc_with({"import", "nowhere", "-o", "json"}).out.empty());
}

TEST_CASE("a pipe is read where something is needed, and left alone where there is an answer without") {
  const int kept = dup(STDIN_FILENO);
  const auto with_pipe = [&](std::vector<std::string> words) {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    REQUIRE(write(ends[1], "a: [\n", 5) == 5);
    close(ends[1]);
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    const Done done = netpolc_with(std::move(words));
    dup2(kept, STDIN_FILENO);
    return done;
  };
  CHECK(has(with_pipe({"lint"}).err, "<stdin>:"));
  CHECK(with_pipe({"lint", kArticle}).code == kGood);
  CHECK(with_pipe({"explain", "fqdn", "*.example.com"}).code == kGood);
  CHECK(with_pipe({"verify", "same", "--before", kArticle, "--after", kArticle}).code == kGood);
  close(kept);
}

TEST_CASE("without a command the help is printed, which is no good answer") {
  const Done bare = netpolc_with({});
  CHECK(bare.code == kNoAnswer);
  CHECK(has(bare.out, "Usage: netpolc [OPTIONS] SUBCOMMAND"));
  CHECK(bare.err == "netpolc: which command?\n");
  const Done noun = netpolc_with({"identity"});
  CHECK(noun.code == kNoAnswer);
  CHECK(has(noun.out, "netpolc identity [OPTIONS] SUBCOMMAND"));
  CHECK(has(netpolc_with({"identity", "lst"}).err, "there is no command `lst` of `identity`"));
  CHECK(has(netpolc_with({"identity", "get", "-f", kArticle}).err, "identity is required"));
}

TEST_CASE("the version says what answers depend on, and of the machine only where it is asked") {
  const auto json = nlohmann::json::parse(netpolc_with({"version", "-o", "json"}).out);
  CHECK(json["kind"] == "VersionInfo");
  CHECK(json["cilium"].back() == "1.20");
  CHECK(json["default"] == "1.18");
  CHECK_FALSE(json["commit"].get<std::string>().empty());
  for (const auto& [name, number] : json["libraries"].items()) CHECK_MESSAGE(number.get<std::string>().find_first_of("0123456789") != std::string::npos, name);
  CHECK(json.count("host") == 0);
  CHECK(nlohmann::json::parse(netpolc_with({"version", "--host", "-o", "json"}).out)["host"].count("tcx") == 1);
  CHECK(has(netpolc_with({"version"}).out, "Cilium 1.16 to 1.20 (default 1.18)\n  commit     "));
}

TEST_CASE("errors are YAML where that is asked for") {
  CHECK(has(netpolc_with(ask({"--port", "80x", "-o", "yaml"})).out, "apiVersion: netpolc.dev/v1\nkind: Error\nerror:\n  message: \"--port 80x: "));
}
