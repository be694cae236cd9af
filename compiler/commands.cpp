#include "compiler/commands.h"

#include "compiler/import/commands.h"
#include "compiler/suggest/commands.h"

namespace netpolc::compiler {
namespace {

constexpr const char* kAsk = "Ask";
constexpr const char* kReview = "Review";
constexpr const char* kBuild = "Build";
constexpr const char* kMove = "Take in and hand on";
constexpr const char* kAbout = kAboutGroup;

}  // namespace

const std::vector<Command>& commands() {
  static const std::vector<Command> table{
      {add_verify, kAsk,
       "Examples:\n"
       "  netpolc verify -f manifests/ --from shop/frontend --to svc:shop/cart\n"
       "  netpolc verify -f manifests/ --from any --to shop/redis --all-ports\n"
       "  netpolc verify never -f manifests/ --from any --to shop/redis --except-from shop/[app=cart] --port 6379"},
      {add_explain, kAsk,
       "Examples:\n"
       "  netpolc explain flow -f manifests/ --from shop/frontend --to shop/cart --port 8080\n"
       "  netpolc explain policy shop/cart-ingress -f manifests/\n"
       "  netpolc explain endpoint shop/cart -f manifests/\n"
       "  netpolc explain fqdn '*.example.com'\n"
       "  netpolc explain NP040"},
      {add_diff, kReview,
       "Examples:\n"
       "  netpolc diff --git origin/main...HEAD policies/ -f rendered.yaml\n"
       "  netpolc diff old/ new/ -f cluster.yaml -o markdown\n"
       "  netpolc diff -f manifests/ --cilium-version 1.18..1.19"},
      {add_replay, kReview,
       "Examples:\n"
       "  netpolc replay flows.jsonl policies/ -f rendered.yaml\n"
       "  netpolc replay sysdump.zip proposed.yaml -f sysdump.zip --suggest > allow.yaml\n"
       "  netpolc replay flows.jsonl new/ --against old/ -f cluster.yaml"},
      {add_test, kReview,
       "Examples:\n"
       "  netpolc test -f manifests/\n"
       "  netpolc test policies/ tests/ -f cluster.yaml -o junit=report.xml\n"
       "  netpolc test -f manifests/ --safety-only"},
      {add_lint, kReview,
       "Examples:\n"
       "  netpolc lint policies/ -f cluster.yaml\n"
       "  netpolc lint policies/ --select NP04 --fail-on warning\n"
       "  netpolc lint policies/ -o sarif > lint.sarif"},
      {add_rules, kReview, "Examples:\n  netpolc rules"},
      {add_report, kReview,
       "Examples:\n"
       "  netpolc report -f manifests/ -o report.html\n"
       "  netpolc report -f manifests/ -o csv=pairs.csv -o cost=cost.csv\n"
       "  netpolc report new/ --against old/ -f cluster.yaml -o report.html"},
      {add_suggest, kReview, "Examples:\n  netpolc suggest labels -f cluster/\n  netpolc suggest labels -f cluster/ -o value"},
      {add_compile, kBuild,
       "Examples:\n"
       "  netpolc compile -f manifests/ -o bundle/\n"
       "  netpolc compile -f manifests/ -o bundle/ --prove\n"
       "  netpolc compile -f manifests/ -o bundle/ --l7=drop --cache cache/"},
      {add_prove, kBuild,
       "Examples:\n"
       "  netpolc prove bundle/ -f manifests/\n"
       "  netpolc prove bundle/ -f manifests/ --write\n"
       "  netpolc prove bundle/ -f manifests/ -o json > proofs.json"},
      {add_sign, kBuild,
       "Examples:\n"
       "  netpolc sign --generate release --no-password\n"
       "  netpolc sign bundle/ --key release.key\n"
       "  netpolc sign bundle/ --key release.key --comment 'shop 2026-03'"},
      {add_identity, kAsk, "Examples:\n  netpolc identity list -f manifests/\n  netpolc identity get 256 -f manifests/"},
      {add_endpoint, kAsk, "Examples:\n  netpolc endpoint list -f manifests/\n  netpolc endpoint get shop/cart -f manifests/"},
      {add_import, kMove,
       "Examples:\n"
       "  netpolc import sysdump.zip -o cluster/\n"
       "  netpolc import dump.json -o cluster.yaml\n"
       "  netpolc import sysdump.zip --redact --redact-map names.json -o stranger/\n"
       "  kubectl get cnp,ccnp,netpol,ns,pods,deploy,rs,sts,ds,svc,endpointslices,nodes -A -o json | netpolc import - -o cluster.yaml"},
      {add_export, kMove,
       "Examples:\n"
       "  netpolc export flows -f manifests/ > flows.jsonl\n"
       "  netpolc export flows -f manifests/ --to shop/cart --port 8080 | hubble observe --input-file -"},
      {add_completion, kAbout,
       "Examples:\n"
       "  netpolc completion bash > /etc/bash_completion.d/netpolc\n"
       "  netpolc completion zsh > \"${fpath[1]}/_netpolc\"\n"
       "  netpolc completion fish > ~/.config/fish/completions/netpolc.fish"},
      {add_man, kAbout, "Examples:\n  netpolc man verify | man -l -\n  netpolc man --directory man1/"},
      {add_schema, kAbout, "Examples:\n  netpolc schema\n  netpolc schema DiffResult"},
      {add_version, kAbout, "Examples:\n  netpolc version -o json\n  netpolc version --host"},
  };
  return table;
}

}  // namespace netpolc::compiler
