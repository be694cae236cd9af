// runtime-loader/daemon/feed_server.h — the feed's socket: who is connected, what was said, what is still to be
// answered. Never waits. Nobody can make it keep more than a line's worth of input and a megabyte of answers.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime-loader/daemon/feed_protocol.h"
#include "runtime-loader/fd.h"
#include "runtime-loader/result.h"

namespace netpolc::loader::daemon {

class FeedServer {
 public:
  static constexpr std::size_t kMostConnections = 128, kMostUnanswered = 1u << 20;

  // The socket has mode 0600 and takes the place of one that nobody listens at. Fails as input where somebody does.
  static Result<FeedServer> open(const std::string& path);
  FeedServer(FeedServer&&) = default;
  FeedServer& operator=(FeedServer&&) = delete;
  ~FeedServer();

  // Readable when there is something to do.
  int fd() const { return poll_.get(); }
  // Takes what came, and new connections.
  void turn();

  struct Asked {
    std::uint64_t connection = 0;
    FeedRequest request;
  };
  // The next requests of each connection, as many as are of one kind and can be answered in one step: no two
  // of a connection add or ask for the same interface. In order; empty: nothing is left. All are to be answered
  // before the next call.
  std::vector<Asked> next();
  void answer(std::uint64_t connection, const std::string& line);
  // Sends what can be sent, and lets go who is done.
  void flush();

  std::size_t connections() const { return connections_.size(); }
  std::uint64_t accepted() const { return accepted_; }
  std::uint64_t rejected() const { return rejected_; }

 private:
  struct Connection {
    Fd socket;
    std::string in, out;
    std::size_t taken = 0;            // of `in`
    std::optional<FeedRequest> held;  // read, and of another kind than those before it
    bool skipping = false;            // the rest of a line that is too long
    bool ended = false;               // nothing more comes
    bool broken = false;              // nothing can be sent
    bool watched = false;             // by the poll
    std::uint32_t interest = 0;       // what it looks for
  };
  FeedServer() = default;
  void accept_all();
  Fd accept_one();
  bool admit(int socket);
  void receive(Connection& connection);
  void watch(std::uint64_t number, Connection& connection);
  std::optional<FeedRequest> take(Connection& connection);
  std::vector<FeedRequest> take_run(Connection& connection);

  std::string path_;
  Fd poll_, listener_, spare_;
  std::map<std::uint64_t, Connection> connections_;
  std::uint64_t number_ = 0, accepted_ = 0, rejected_ = 0;
};

}  // namespace netpolc::loader::daemon
