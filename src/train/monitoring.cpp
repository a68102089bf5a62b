#include "train/monitoring.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/clock.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/process.h"
#include "base/version.h"

namespace spc {
namespace {

constexpr const char* kLoopback = "127.0.0.1";

std::string name_of_run(const std::filesystem::path& run) {
  const std::filesystem::path path = std::filesystem::absolute(run).lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).filename().string();
}

// The address that this machine uses to reach `host`; empty when it cannot be found.
std::string address_towards(const std::string& host) {
  addrinfo hints = {};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), "9", &hints, &found) != 0) return "";
  std::string address;
  const int socket_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in own = {};
  socklen_t size = sizeof own;
  // Connecting a datagram socket sends nothing; it only chooses the interface.
  if (socket_fd >= 0 && connect(socket_fd, found->ai_addr, found->ai_addrlen) == 0 &&
      getsockname(socket_fd, reinterpret_cast<sockaddr*>(&own), &size) == 0) {
    std::string text(INET_ADDRSTRLEN, '\0');
    if (inet_ntop(AF_INET, &own.sin_addr, text.data(), INET_ADDRSTRLEN) != nullptr)
      address = text.c_str();
  }
  if (socket_fd >= 0) close(socket_fd);
  freeaddrinfo(found);
  return address;
}

// Where to listen: loopback when all ranks are here, else the interface towards another host.
std::string choose_address(const std::string& listen, const std::vector<std::string>& hosts) {
  if (listen != "auto") return listen;
  const std::string own = host_name();
  const auto other = std::find_if(hosts.begin(), hosts.end(),
                                  [&](const std::string& host) { return host != own; });
  if (other == hosts.end()) return kLoopback;
  const std::string address = address_towards(*other);
  return address.empty() ? "0.0.0.0" : address;
}

}  // namespace

std::string to_file_sd(const std::string& run, const std::vector<Target>& targets) {
  JsonArray list;
  for (const Target& target : targets) {
    list.raw(JsonObject()
                 .raw("targets", JsonArray().raw(json_string(target.address)).str())
                 .raw("labels", JsonObject()
                                    .set("job", "spcnet")
                                    .set("run", run)
                                    .set("rank", std::to_string(target.rank))
                                    .set("host", target.host)
                                    .str())
                 .str());
  }
  return list.str() + "\n";
}

Monitoring::Monitoring(const MetricsConfig& config, const std::filesystem::path& run,
                       Communicator& comm)
    : config_(config),
      metrics_(
          {{"run", name_of_run(run)}, {"rank", std::to_string(comm.rank())}, {"host", host_name()}},
          comm.rank() == 0) {
  metrics_.set("spcnet_build_info", 1, {version_line()});
  metrics_.set_state("spcnet_run_state", "start");
  metrics_.set("spcnet_run_world_size", comm.world_size());
  metrics_.set("spcnet_run_start_timestamp_seconds", seconds_since_1970());
  const std::vector<std::string> hosts = gather_texts(comm, host_name(), "hosts of the metrics");
  const std::string address = choose_address(config.listen, hosts);
  if (config.enabled)
    exporter_ = Exporter::start(metrics_, address, to_port_range(config.ports), config.allow);
  // A host that listens everywhere is reached by its name.
  const std::string place =
      exporter_ ? concat(address == "0.0.0.0" ? host_name() : address, ":", exporter_->port()) : "";
  const std::vector<std::string> places = gather_texts(comm, place, "ports of the metrics");
  if (comm.rank() > 0) return;
  std::vector<Target> targets;
  for (size_t rank = 0; rank < places.size(); ++rank)
    if (!places[rank].empty())
      targets.push_back({static_cast<int>(rank), hosts[rank], places[rank]});
  const std::filesystem::path folder = run / config.targets;
  if (targets.empty()) return;
  // In a folder that runs share, two may have one name.
  const std::string where = std::filesystem::absolute(run).lexically_normal().string();
  const bool own = !std::filesystem::path(config.targets).is_absolute();
  const std::string name =
      own ? name_of_run(run) : concat(name_of_run(run), "-", crc32c(where.data(), where.size()));
  try {
    std::filesystem::create_directories(folder);
    list_ = folder / (name + ".json");
    write_text_atomically(list_, to_file_sd(name_of_run(run), targets));
  } catch (const std::exception& error) {
    list_.clear();
    log_warning(concat("no list of the ranks' metrics: ", error.what(), "; training goes on"));
  }
}

Monitoring::~Monitoring() {
  std::error_code gone_already;
  if (!list_.empty()) std::filesystem::remove(list_, gone_already);
}

void Monitoring::end(const std::string& state) {
  metrics_.set_state("spcnet_run_state", state);
  const int64_t before = metrics_.num_fetched();
  const Stopwatch watch;
  while (exporter_ && before > 0 && metrics_.num_fetched() == before &&
         watch.seconds() < config_.linger_s && !stop_requested())
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
}

}  // namespace spc
