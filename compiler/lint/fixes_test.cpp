// Fixes: what they leave of the text, that the finding is gone, and that there is nothing to fix twice.
#include "compiler/lint/fixes.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "compiler/lint/lint.h"

using namespace netpolc;

namespace {

// One reading of a text: what is found, and what would be changed.
struct Read {
  explicit Read(std::string_view text, const lint::Rule& rule) : Read(text, rule.setting, rule.proved) {}
  explicit Read(std::string_view text, const lint::Setting& setting = {}, bool proved = false) {
    const FileId file = sources.add("input.yaml", std::string(text));
    const auto loaded = frontend::load(std::vector<FileId>{file}, {.lax = setting.lax, .cilium_version = setting.version}, sources, sink);
    if (loaded.usable) findings = lint::run(loaded, {}, sources, sink, {{}, {}, proved}).findings;
    for (const Diagnostic& one : sink.all())
      if (one.severity == Severity::Error) all.push_back(&one);
    for (const Diagnostic& one : findings) all.push_back(&one);
  }
  std::size_t fixable() const {
    return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [](const Diagnostic* one) { return one->fix.has_value(); }));
  }
  std::size_t lines_of_fixes() const {
    std::size_t out = 0;
    for (const Diagnostic* one : all)
      if (one->fix) out += 1 + static_cast<std::size_t>(std::count(one->fix->replacement.begin(), one->fix->replacement.end(), '\n'));
    return out;
  }
  std::string fixed(bool guesses = true) const {
    const auto files = lint::fixes_of(all, guesses);
    return files.empty() ? std::string(sources.text({0})) : lint::with_edits(sources.text({0}), files.front().edits);
  }
  SourceManager sources;
  DiagSink sink;
  lint::Findings findings;
  std::vector<const Diagnostic*> all;
};

std::string with_crlf(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '\n' ? "\r\n" : std::string(1, c);
  return out;
}

std::string without_last_break(std::string_view text) { return std::string(text.substr(0, text.find_last_not_of("\r\n") + 1)); }

// The lines of `b` that are not in `a`, and the other way round: nothing else may have changed.
std::size_t changed_lines(std::string_view a, std::string_view b) {
  std::multiset<std::string> lines;
  const auto each = [](std::string_view text, const auto& visit) {
    for (std::size_t at = 0; at <= text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      visit(std::string(text.substr(at, end - at)));
      at = end + 1;
    }
  };
  each(a, [&](const std::string& line) { lines.insert(line); });
  std::size_t added = 0;
  each(b, [&](const std::string& line) {
    if (const auto at = lines.find(line); at != lines.end()) lines.erase(at);
    else ++added;
  });
  return std::max(added, lines.size());
}

const std::string kHead = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p, namespace: shop}\nspec:\n  endpointSelector: {}  # all of them\n";

}  // namespace

TEST_CASE("a fix takes away what was found and nothing else, in any line ends, and only once") {
  std::set<std::string> fixable;
  for (const lint::Rule& rule : lint::rules()) {
    if (rule.bad.empty() || rule.setting.directory) continue;
    const std::string code = diag_code(rule.kind), bad(rule.bad);
    for (const std::string& text : {bad, with_crlf(bad), without_last_break(bad)}) {
      const Read before(text, rule);
      const std::size_t fixes = before.fixable();
      if (fixes == 0) continue;
      fixable.insert(code);
      const std::string fixed = before.fixed();
      const Read after(fixed, rule);
      CHECK_MESSAGE(after.all.size() + fixes == before.all.size(), code, "\n", fixed);
      CHECK_MESSAGE(after.fixable() == 0, code, "\n", fixed);
      CHECK_MESSAGE(after.fixed() == fixed, code);
      CHECK_MESSAGE(changed_lines(text, fixed) <= before.lines_of_fixes() + fixes, code, "\n", fixed);
      CHECK_MESSAGE((fixed.find('\r') != std::string::npos) == (text.find('\r') != std::string::npos), code);
    }
  }
  std::string codes;
  for (const std::string& code : fixable) codes += code + " ";
  CHECK(codes == "NP010 NP011 NP022 NP027 NP033 NP040 NP045 NP063 NP169 NP202 NP562 NP564 ");
}

TEST_CASE("comments and style stay as they are") {
  const auto fixed = [](const std::string& spec) { return Read(kHead + spec).fixed().substr(kHead.size()); };
  CHECK(fixed("  ingress:\n  # why\n  - {}\n  - fromEntities: [cluster]  # all\n") == "  ingress:\n  # why\n  - fromEntities: [cluster]  # all\n");
  CHECK(fixed("  ingress: [{}, {fromEntities: [cluster]}]\n") == "  ingress: [{fromEntities: [cluster]}]\n");
  CHECK(fixed("  ingress: [{fromEntities: [cluster]}, {}]\n") == "  ingress: [{fromEntities: [cluster]}]\n");
  CHECK(fixed("  ingress:\n  - {}  # keep me\n  - fromEntities: [cluster]\n") == "  ingress:\n  - {}  # keep me\n  - fromEntities: [cluster]\n");
  CHECK(fixed("  ingress:\n  - icmps: [{fields: [{type: 128}]}]  # ping\n") == "  ingress:\n  - icmps: [{fields: [{family: IPv6, type: 128}]}]  # ping\n");
  CHECK(fixed("  ingress:\n  - icmps:\n    - fields:\n      # six\n      - type: 128  # echo\n") == "  ingress:\n  - icmps:\n    - fields:\n      # six\n      - family: IPv6\n        type: 128  # echo\n");
  CHECK(fixed("  ingress:\n  - icmps: [{fields: [{type: 128, family: IPv4}]}]\n") == "  ingress:\n  - icmps: [{fields: [{type: 128, family: IPv6}]}]\n");
  CHECK(fixed("  ingress:\n  - toPorts:\n    - ports: [{port: \"80\", protocol: TCP}]\n      rules:\n        http:\n        - method: 'get'  # only\n          host: a.b\n") ==
        "  ingress:\n  - toPorts:\n    - ports: [{port: \"80\", protocol: TCP}]\n      rules:\n        http:\n        - method: 'GET'  # only\n          host: a\\.b\n");
  // A backslash in double quotes would have to be two.
  const std::string doubled = "  ingress:\n  - toPorts:\n    - ports: [{port: \"80\", protocol: TCP}]\n      rules: {http: [{host: \"a.b\"}]}\n";
  CHECK(fixed(doubled) == doubled);
}

TEST_CASE("what Cilium refuses is fixed where only its form is wrong") {
  const auto fixed = [](const std::string& spec, bool guesses) { return Read(kHead + spec).fixed(guesses).substr(kHead.size()); };
  const std::string number = "  ingress:\n  - toPorts: [{ports: [{port: 80}]}]\n", slip = "  ingress:\n  - toPorts: [{ports: [{port: \"80\", protocol: TPC}]}]\n";
  CHECK(fixed(number, false) == "  ingress:\n  - toPorts: [{ports: [{port: \"80\"}]}]\n");
  CHECK(fixed(slip, false) == slip);
  CHECK(fixed(slip, true) == "  ingress:\n  - toPorts: [{ports: [{port: \"80\", protocol: TCP}]}]\n");
}

TEST_CASE("guesses wait for the author") {
  const std::string text = kHead + "  egressDeny:\n  - toCIDR: [192.0.2.1/32]\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: cart, namespace: shop}\nspec: {containers: []}\n";
  const Read read(text);
  CHECK(read.fixable() == 1);
  CHECK(read.fixed(false) == text);
  CHECK(read.fixed(true).find("  enableDefaultDeny: {egress: false}\n  egressDeny:\n") != std::string::npos);
}

namespace {

const std::string kAsk = "toFQDNs: [{matchName: a.example.com}]";

// The fixed text; what it is fixed of must be gone, and all else be there as it was.
std::string with_dns(const std::string& text) {
  const Read before(text);
  const std::string fixed = before.fixed();
  const Read after(fixed);
  const auto is_40 = [](const Diagnostic* one) { return one->kind == DiagKind::NamesWithoutDns; };
  CHECK_MESSAGE(std::any_of(before.all.begin(), before.all.end(), is_40), text);
  CHECK_MESSAGE(std::none_of(after.all.begin(), after.all.end(), is_40), fixed);
  CHECK_MESSAGE(before.fixed(false) == text, "it opens DNS");
  std::size_t at = 0;  // the old text is in the new one, with one piece between
  while (at < text.size() && text[at] == fixed[at]) ++at;
  CHECK_MESSAGE(fixed.ends_with(text.substr(at)), fixed);
  return fixed;
}

}  // namespace

TEST_CASE("a DNS rule comes behind the last entry, as the file is written") {
  CHECK(with_dns(kHead + "  egress:\n  # why\n  - " + kAsk + "  # api\n  # end\n") ==
        kHead + "  egress:\n  # why\n  - " + kAsk + "  # api\n" +
            "  - toEndpoints:\n    - matchLabels:\n        k8s:io.kubernetes.pod.namespace: kube-system\n        k8s-app: kube-dns\n    toPorts:\n    - ports:\n      - port: \"53\"\n"
            "        protocol: ANY\n      rules:\n        dns:\n        - matchPattern: \"*\"\n  # end\n");
  // Dashes further in, steps of four.
  const std::string wide = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p, namespace: shop}\nspec:\n    endpointSelector: {}\n    egress:\n      -   toFQDNs:\n            -   matchName: a.example.com\n    ingress: [{}]\n";
  CHECK(with_dns(wide).find("      -   toEndpoints:\n            -   matchLabels:\n                    k8s:io.kubernetes.pod.namespace: kube-system\n                    k8s-app: kube-dns\n          toPorts:\n") != std::string::npos);
  CHECK(with_dns(kHead + "  egress:\n  - " + kAsk).ends_with("        - matchPattern: \"*\""));  // no break at the end
  CHECK(with_dns(with_crlf(kHead + "  egress:\n  - " + kAsk + "\n")).find("toEndpoints:\r\n    - matchLabels:\r\n") != std::string::npos);
  CHECK(with_dns(kHead + "  egress: [{" + kAsk + "}]  # api\n").find("}, {toEndpoints: [{matchLabels: {k8s:io.kubernetes.pod.namespace: kube-system, k8s-app: kube-dns}}], toPorts: [{ports: [{port: \"53\", protocol: ANY}], rules: {dns: [{matchPattern: \"*\"}]}}]}]  # api\n") != std::string::npos);
  // One rule for two entries.
  const std::string both = with_dns(kHead + "  egress:\n  - " + kAsk + "\n  - " + kAsk + "\n    toPorts: [{ports: [{port: \"443\"}]}]\n");
  CHECK(both.find("kube-dns") == both.rfind("kube-dns"));
}

TEST_CASE("JSON stays JSON") {
  const std::string head = R"({"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": {"name": "p", "namespace": "shop"}, "spec": {"endpointSelector": {}, )";
  const std::string pod = "\n{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\": \"cart\", \"namespace\": \"shop\"}, \"spec\": {\"containers\": []}}\n";
  CHECK(with_dns(head + R"("egress": [{"toFQDNs": [{"matchName": "a.example.com"}]}]}})").find(R"(}]}, {"toEndpoints": [{"matchLabels": {"k8s:io.kubernetes.pod.namespace": "kube-system", "k8s-app": "kube-dns"}}], "toPorts": [{"ports": [{"port": "53", "protocol": "ANY"}], "rules": {"dns": [{"matchPattern": "*"}]}}]}]}})") != std::string::npos);
  CHECK(Read(head + R"("egressDeny": [{"toCIDR": ["192.0.2.1/32"]}]}})" + pod).fixed().find(R"("enableDefaultDeny": {"egress": false}, "egressDeny")") != std::string::npos);
}

TEST_CASE("CIDRs are merged where nothing else is lost") {
  const auto fixed = [](const std::string& rest) { return Read(kHead + "  egress:\n" + rest).fixed(false).substr(kHead.size() + 10); };
  const auto same = [&](const std::string& rest) { CHECK(fixed(rest) == rest); };
  CHECK(fixed("  - toCIDR:\n    - 10.0.0.0/25\n    - 10.0.0.128/25\n    - 10.9.0.0/16  # more\n") == "  - toCIDR:\n    - 10.0.0.0/24\n    - 10.9.0.0/16  # more\n");
  CHECK(fixed("  - toCIDR: ['10.0.0.0/26', 10.0.0.64/26, 10.0.0.128/25, 10.9.0.0/16]\n") == "  - toCIDR: ['10.0.0.0/24', 10.9.0.0/16]\n");
  CHECK(fixed("  - toCIDR: [10.9.0.0/16, 10.0.0.0/8]\n") == "  - toCIDR: [10.0.0.0/8]\n");
  CHECK(fixed("  - toCIDR: [10.9.0.0/16, 10.0.0.0/8, 10.8.0.0/16]\n") == "  - toCIDR: [10.0.0.0/8]\n");
  CHECK(fixed("  - toCIDR: [2001:db8::/33, '2001:db8:8000::/33']\n") == "  - toCIDR: [2001:db8::/32]\n");
  CHECK(fixed("  - toCIDRSet: [{cidr: 10.0.0.0/8}, {cidr: 10.1.0.0/16}]\n") == "  - toCIDRSet: [{cidr: 10.0.0.0/8}]\n");
  CHECK(fixed("  - toCIDRSet:\n    - cidr: 10.0.0.0/8\n    - cidr: 10.1.0.0/16\n") == "  - toCIDRSet:\n    - cidr: 10.0.0.0/8\n");
  same("  - toCIDR:\n    - 10.0.0.0/25\n    # the second half\n    - 10.0.0.128/25\n");
  same("  - toCIDR:\n    - 10.0.0.0/8\n    - 10.9.0.0/16  # partners\n");
  same("  - toCIDR: [10.0.0.0/25, 10.9.0.0/16, 10.0.0.128/25]\n");
  same("  - toCIDR: [0.0.0.0/1, 128.0.0.0/1]\n");
  same("  - toCIDR: &both [10.0.0.0/25, 10.0.0.128/25]\n");
  same("  - toCIDR: [10.0.0.0/25, &half 10.0.0.128/25]\n");
  same("  - toCIDR: [&half 10.0.0.0/25, 10.0.0.128/25]\n");
  same("  - toCIDR: [&one 10.0.0.0/8, *one]\n");
  same("  - toCIDRSet: [{cidr: 10.0.0.0/8, except: [10.1.0.0/16]}, {cidr: 10.1.0.0/16}]\n");
}

TEST_CASE("no DNS rule is put where it would mean more, or for a server that is not there") {
  const auto fixable = [](const std::string& text) { return Read(text).fixable(); };
  const std::string egress = "  egress:\n  - " + kAsk + "\n", pod = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: dns, namespace: kube-system, labels: {k8s-app: ";
  CHECK(fixable(kHead + egress) == 1);
  CHECK(fixable(kHead + egress + pod + "kube-dns}}\nspec: {containers: []}\n") == 1);
  CHECK(fixable(kHead + egress + pod + "coredns}}\nspec: {containers: []}\n") == 0);
  CHECK(fixable(kHead + "  egress: &both\n  - " + kAsk + "\n") == 0);
}

TEST_CASE("of edits that meet one is made") {
  const auto found = [](std::uint32_t begin, std::uint32_t end, const char* text) {
    return Diagnostic{.kind = DiagKind::MethodCase, .where = Span{{0}, begin, end}, .message = "", .fix = FixIt{{{0}, begin, end}, text}, .severity = Severity::Warning};
  };
  const Diagnostic one = found(2, 4, "XX"), same = found(2, 4, "XX"), other = found(3, 5, "YY"), next = found(4, 6, "Z"), insertion = found(8, 8, "a"), second = found(8, 8, "b");
  const auto files = lint::fixes_of({&next, &one, &same, &other, &insertion, &second}, false);
  REQUIRE(files.size() == 1);
  CHECK(lint::with_edits("0123456789", files.front().edits) == "01XXZ67a89");
  CHECK(files.front().findings == 4);
}

TEST_CASE("a unified diff has hunks with three lines around, and says where the last line does not end") {
  std::string text;
  for (int i = 1; i <= 20; ++i) text += "line " + std::to_string(i) + (i == 20 ? "" : "\n");
  const auto at = [&](const char* words) { return static_cast<std::uint32_t>(text.find(words)); };
  const std::vector<FixIt> edits{{{{0}, at("line 2\n"), at("line 3\n")}, ""}, {{{0}, at("line 20"), at("line 20") + 4}, "LINE"}};
  CHECK(lint::unified_diff("x.yaml", text, edits) ==
        "--- x.yaml\n+++ x.yaml\n@@ -1,5 +1,4 @@\n line 1\n-line 2\n line 3\n line 4\n line 5\n@@ -17,4 +16,4 @@\n line 17\n line 18\n line 19\n"
        "-line 20\n\\ No newline at end of file\n+LINE 20\n\\ No newline at end of file\n");
  const std::vector<FixIt> near{{{{0}, at("line 5\n"), at("line 5\n")}, "new\n"}, {{{0}, at("line 9\n"), at("line 9\n") + 4}, "LINE"}};
  CHECK(lint::unified_diff("x.yaml", text, near) ==
        "--- x.yaml\n+++ x.yaml\n@@ -2,11 +2,12 @@\n line 2\n line 3\n line 4\n+new\n line 5\n line 6\n line 7\n line 8\n-line 9\n+LINE 9\n line 10\n line 11\n line 12\n");
}
