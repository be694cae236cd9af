#include "compiler/command_line/examples.h"

namespace netpolc::compiler {

const std::vector<Examples>& examples_below() {
  static const std::vector<Examples> table{
      {"verify never",
       "Examples:\n"
       "  netpolc verify never -f manifests/ --from any --to shop/redis --except-from shop/[app=cart] --port 6379\n"
       "  netpolc verify never -f manifests/ --from [env=dev] --to [env=prod]\n"
       "  netpolc verify never -f manifests/ --from entity:world --to shop/[app=cart] --http '.* /admin.*'"},
      {"export flows",
       "Examples:\n"
       "  netpolc export flows -f manifests/ > flows.jsonl\n"
       "  netpolc export flows -f manifests/ -n shop --from frontend --to cart\n"
       "  netpolc export flows -f manifests/ --to shop/cart --port 8080 | hubble observe --input-file -"},
      {"verify only",
       "Examples:\n"
       "  netpolc verify only -f manifests/ --from shop/[app=cart] --to shop/redis --port 6379/TCP\n"
       "  netpolc verify only -f manifests/ --from monitoring/[] --to shop/[] --port 9090-9099/TCP\n"
       "  netpolc verify only -f manifests/ --from shop/[app=web] --to shop/[app=api] --http 'GET /v1/.*'"},
      {"verify isolated",
       "Examples:\n"
       "  netpolc verify isolated -f manifests/\n"
       "  netpolc verify isolated -f manifests/ --by namespace:tenant\n"
       "  netpolc verify isolated -f manifests/ --except-to kube-system/[k8s-app=kube-dns]"},
      {"verify requires-l7",
       "Examples:\n"
       "  netpolc verify requires-l7 -f manifests/ --from any --to shop/[app=api] --port 8080/TCP\n"
       "  netpolc verify requires-l7 -f manifests/ --from shop/[] --to any --port 53/UDP\n"
       "  netpolc verify requires-l7 -f manifests/ --from [] --to entity:world --port 443/TCP"},
      {"verify same",
       "Examples:\n"
       "  netpolc verify same --before old/ --after new/ -f cluster.yaml\n"
       "  netpolc verify same --before old/ --after new/ --port 443/TCP\n"
       "  netpolc verify same --before old/ --after new/ -f cluster.yaml -o json"},
      {"verify implies",
       "Examples:\n"
       "  netpolc verify implies --before guardrail.yaml --after policies/ -f cluster.yaml\n"
       "  netpolc verify implies --before old/ --after new/ --port 1-1024/TCP\n"
       "  netpolc verify implies --before old/ --after new/ -f cluster.yaml -o json"},
      {"verify dead",
       "Examples:\n"
       "  netpolc verify dead -f manifests/\n"
       "  netpolc verify dead policies/ -f cluster.yaml -o json\n"
       "  netpolc verify dead -f manifests/ --milliseconds 5000"},
      {"explain policy",
       "Examples:\n"
       "  netpolc explain policy shop/cart-ingress -f manifests/\n"
       "  netpolc explain policy cart-ingress -n shop -f manifests/ --wide\n"
       "  netpolc explain policy shop/cart-ingress -f manifests/ -o json"},
      {"explain endpoint",
       "Examples:\n"
       "  netpolc explain endpoint shop/cart -f manifests/\n"
       "  netpolc explain endpoint node/worker-1 -f manifests/ --wide\n"
       "  netpolc explain endpoint shop/cart -f manifests/ -o json"},
      {"explain fqdn",
       "Examples:\n"
       "  netpolc explain fqdn '*.example.com'\n"
       "  netpolc explain fqdn api.example.com -f manifests/\n"
       "  netpolc explain fqdn '**.example.com' --cilium-version 1.20 -o json"},
      {"suggest labels",
       "Examples:\n"
       "  netpolc suggest labels -f cluster/\n"
       "  netpolc suggest labels -f cluster/ --cilium-config values.yaml\n"
       "  netpolc suggest labels -f cluster/ -o value"},
      {"identity list",
       "Examples:\n"
       "  netpolc identity list -f manifests/\n"
       "  netpolc identity list -f manifests/ --selector app=cart\n"
       "  netpolc identity list -f manifests/ --stats\n"
       "  netpolc identity list -f manifests/ -o json"},
      {"identity get",
       "Examples:\n"
       "  netpolc identity get 256 -f manifests/\n"
       "  netpolc identity get k8s:app=cart -f manifests/ -o wide\n"
       "  netpolc identity get shop/cart -f manifests/ -o yaml\n"
       "  netpolc identity get ip:192.0.2.10 -f manifests/"},
      {"endpoint list",
       "Examples:\n"
       "  netpolc endpoint list -f manifests/\n"
       "  netpolc endpoint list -f manifests/ --namespace shop\n"
       "  netpolc endpoint list -f manifests/ -o wide\n"
       "  netpolc endpoint list -f manifests/ -o names"},
      {"endpoint get",
       "Examples:\n"
       "  netpolc endpoint get shop/cart -f manifests/\n"
       "  netpolc endpoint get 'shop/[app=cart]' -f manifests/ -o wide\n"
       "  netpolc endpoint get ip:10.0.1.7 -f manifests/ -o yaml"},
      {"explain flow",
       "Examples:\n"
       "  netpolc explain flow -f manifests/ --from shop/frontend --to shop/cart --port 8080\n"
       "  netpolc explain flow -f manifests/ --from shop/frontend --to fqdn:api.example.com --port 443/TCP --sni api.example.com\n"
       "  netpolc explain flow -f manifests/ --from any --to shop/redis --port 6379/TCP --wide"},
  };
  return table;
}

}  // namespace netpolc::compiler
