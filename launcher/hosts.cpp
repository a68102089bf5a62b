#include "launcher/hosts.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <numeric>

#include "base/error.h"
#include "base/file.h"
#include "base/process.h"

namespace spc {
namespace {

int parse_slots(const std::string& text) {
  int slots = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, slots);
  SPC_USAGE_CHECK(error == std::errc() && stop == end && slots >= 1, "'", text,
                  "' is no number of slots; give one of at least 1");
  return slots;
}

void add_host(std::vector<Host>& hosts, Host host) {
  SPC_USAGE_CHECK(!host.name.empty(), "a host without a name");
  SPC_USAGE_CHECK(std::none_of(hosts.begin(), hosts.end(),
                               [&](const Host& other) { return other.name == host.name; }),
                  "host ", host.name, " is named twice; give it more slots instead");
  hosts.push_back(std::move(host));
}

// A socket can only be bound to an address of this machine.
bool is_own_address(const addrinfo& address) {
  const int socket = ::socket(address.ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return false;
  const bool bound = ::bind(socket, address.ai_addr, address.ai_addrlen) == 0;
  ::close(socket);
  return bound;
}

}  // namespace

bool is_this_machine(const std::string& name) {
  if (name == host_name()) return true;
  addrinfo hints = {};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(name.c_str(), nullptr, &hints, &found) != 0) return false;
  bool own = false;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next)
    own = own || is_own_address(*each);
  ::freeaddrinfo(found);
  return own;
}

std::vector<Host> parse_hosts(const std::string& text, int default_slots) {
  std::vector<Host> hosts;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const std::string item = text.substr(begin, end - begin);
    const size_t colon = item.rfind(':');
    const int slots =
        colon == std::string::npos ? default_slots : parse_slots(item.substr(colon + 1));
    add_host(hosts, {item.substr(0, colon), slots});
    begin = end + 1;
  }
  return hosts;
}

std::vector<Host> read_hostfile(const std::filesystem::path& path, int default_slots) {
  std::vector<Host> hosts;
  int number = 0;
  for (const std::string& line : read_lines(path)) {
    ++number;
    with_context(concat(path.string(), ": line ", number), [&] {
      const std::vector<std::string> words = split_words(line.substr(0, line.find('#')));
      if (words.empty()) return;
      Host host{words[0], default_slots};
      for (size_t i = 1; i < words.size(); ++i) {
        SPC_USAGE_CHECK(words[i].starts_with("slots="), "'", words[i],
                        "' is not understood; a line is `name slots=4`");
        host.slots = parse_slots(words[i].substr(6));
      }
      add_host(hosts, std::move(host));
    });
  }
  SPC_CHECK(!hosts.empty(), path.string(), " names no host; a line is `name slots=4`");
  return hosts;
}

int total_slots(const std::vector<Host>& hosts) {
  return std::accumulate(hosts.begin(), hosts.end(), 0,
                         [](int sum, const Host& host) { return sum + host.slots; });
}

}  // namespace spc
