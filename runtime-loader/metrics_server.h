// runtime-loader/metrics_server.h — a daemon's figures over HTTP, for Prometheus and for probes:
//
//   /metrics   Prometheus' text format
//   /status    what `netpol-loader status -o json` prints
//   /healthz   200 while the daemon does its work, else 503 and why
//   /readyz    200 while what is wanted is in force, else 503 and why
//
// It answers GET and HEAD, changes nothing, and gives away who is on this node and what they may do: so it
// listens on loopback, unless it is told otherwise. One thread, at most kConnections connections, kSeconds
// for a request to come and for an answer to be taken: who opens more, or is slow, waits or is cut off, and
// the rest of the process goes on.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "runtime-loader/fd.h"
#include "runtime-loader/result.h"

namespace netpolc::loader {

// Called in the server's thread, one at a time. What they throw is answered with 500.
struct MetricsSources {
  std::function<std::string()> metrics;
  std::function<std::string()> status;                  // JSON
  std::function<std::vector<std::string>()> unhealthy;  // why it isn't alive; nothing: it is
  std::function<std::vector<std::string>()> unready;    // why it isn't ready; nothing: it is
};

class MetricsServer {
 public:
  static constexpr std::size_t kConnections = 16;
  static constexpr int kSeconds = 5;
  // `address`: "PORT", "127.0.0.1:PORT" or "[::1]:PORT"; port 0 takes a free one. Fails as input where it is
  // no address, or not loopback's and not `anywhere`; as kernel where it is in use.
  static Result<std::unique_ptr<MetricsServer>> start(const std::string& address, bool anywhere, MetricsSources sources);
  // Closes every connection and waits for its thread, at most for one call of a source.
  ~MetricsServer();
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;
  std::uint16_t port() const { return port_; }

 private:
  MetricsServer(Fd listener, Fd stop, std::uint16_t port, MetricsSources sources);
  void serve();

  Fd listener_, stop_;
  std::uint16_t port_ = 0;
  MetricsSources sources_;
  std::thread thread_;
};

}  // namespace netpolc::loader
