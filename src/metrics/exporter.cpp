#include "metrics/exporter.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <prometheus/exposer.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <future>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "metrics/metrics_impl.h"

namespace spc {
namespace {

constexpr auto kStopTime = std::chrono::seconds(3);

sockaddr_in socket_address(const std::string& address, int port) {
  sockaddr_in result = {};
  result.sin_family = AF_INET;
  result.sin_port = htons(static_cast<uint16_t>(port));
  inet_pton(AF_INET, address.c_str(), &result.sin_addr);
  return result;
}

const sockaddr* general(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

// Why the address cannot be listened at; the server's library does not say.
std::string bind_problem(const std::string& address, int port) {
  const int socket_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket_fd < 0) return std::strerror(errno);
  const sockaddr_in wanted = socket_address(address, port);
  const int problem = bind(socket_fd, general(wanted), sizeof wanted) == 0 ? 0 : errno;
  close(socket_fd);
  return problem == 0 ? "it was taken a moment ago" : std::strerror(problem);
}

// The server's threads sleep up to two seconds before they see that it is to stop; a connection
// wakes them.
void knock(const std::string& address, int port) {
  const int socket_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket_fd < 0) return;
  const sockaddr_in self = socket_address(address == "0.0.0.0" ? "127.0.0.1" : address, port);
  (void)connect(socket_fd, general(self), sizeof self);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  close(socket_fd);
}

int to_port(std::string_view text) {
  int port = -1;
  const auto [at, problem] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool whole = problem == std::errc() && at == text.data() + text.size();
  return whole && port >= 1 && port <= 65535 ? port : -1;
}

}  // namespace

struct Exporter::Impl {
  std::string address;
  std::unique_ptr<prometheus::Exposer> exposer;
};

void MetricsConfig::add_to(OptionSet& options) {
  options.add("metrics.enabled", enabled, "every rank exports its metrics for Prometheus");
  options.add("metrics.listen", listen,
              "IPv4 address to listen at; auto: loopback on one host, else the address by which "
              "ranks of other hosts reach this one");
  options.add("metrics.ports", ports, "any free one, or a range, 9100-9199");
  options.add("metrics.allow", allow,
              "networks that are answered: any, or a list, 10.0.0.0/8,127.0.0.1/32");
  options.add("metrics.targets", targets,
              "folder in RUN for the list of ranks that Prometheus reads (file_sd), or any other");
  options.add("metrics.linger_s", linger_s,
              "if somebody has fetched them, wait so long at the end for a last time, seconds");
  options.add_check([this] { validate(); });
}

void MetricsConfig::validate() const {
  (void)to_port_range(ports);
  in_addr ignored = {};
  SPC_USAGE_CHECK(listen == "auto" || inet_pton(AF_INET, listen.c_str(), &ignored) == 1,
                  "metrics.listen = ", listen, ", must be auto or an IPv4 address");
  SPC_USAGE_CHECK(linger_s >= 0, "metrics.linger_s must be >= 0");
}

PortRange to_port_range(const std::string& text) {
  if (text == "any") return {};
  const size_t dash = text.find('-');
  const PortRange range{
      to_port(std::string_view(text).substr(0, dash)),
      to_port(dash == std::string::npos ? std::string_view(text)
                                        : std::string_view(text).substr(dash + 1))};
  SPC_USAGE_CHECK(range.first >= 1 && range.last >= range.first, "metrics.ports = ", text,
                  ", must be any, a port or a range, e.g. 9100-9199");
  return range;
}

Exporter::Exporter(std::unique_ptr<Impl> impl, int port) : impl_(std::move(impl)), port_(port) {}

std::unique_ptr<Exporter> Exporter::start(const Metrics& metrics, const std::string& address,
                                          PortRange ports, const std::string& allow) {
  std::string access;
  if (allow != "any")
    for (const std::string& network : words_of(allow)) access += ",+" + network;
  for (int port = ports.first; port <= ports.last; ++port) {
    std::vector<std::string> options{"listening_ports", concat(address, ":", port), "num_threads",
                                     "2"};
    if (!access.empty())
      options.insert(options.end(), {"access_control_list", "-0.0.0.0/0" + access});
    try {
      auto exposer = std::make_unique<prometheus::Exposer>(options);
      exposer->RegisterCollectable(metrics.impl().registry);
      exposer->RegisterCollectable(metrics.impl().process);
      const int taken = exposer->GetListeningPorts().at(0);
      std::unique_ptr<Impl> impl(new Impl{address, std::move(exposer)});
      return std::unique_ptr<Exporter>(new Exporter(std::move(impl), taken));
    } catch (const std::exception&) {
      if (port == ports.last)
        log_warning(concat("no metrics: cannot listen at ", address, ":", port, ": ",
                           bind_problem(address, port),
                           "; training goes on. See metrics.listen "
                           "and metrics.ports"));
    }
  }
  return nullptr;
}

Exporter::~Exporter() {
  // On a thread of its own: a client that keeps its connection open may hold the server for long.
  std::promise<void> stopped;
  std::future<void> done = stopped.get_future();
  std::thread([exposer = std::move(impl_->exposer), stopped = std::move(stopped)]() mutable {
    exposer.reset();
    stopped.set_value();
  }).detach();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  knock(impl_->address, port_);
  if (done.wait_for(kStopTime) == std::future_status::timeout)
    log_warning("the metrics' server does not end; the program ends without it");
}

}  // namespace spc
