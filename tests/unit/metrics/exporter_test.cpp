#include "metrics/exporter.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "base/clock.h"
#include "base/error.h"
#include "unit/temporary_folder.h"

namespace spc {
namespace {

using testing::HasSubstr;

// A connection to a port of this machine that sends `request`; the descriptor.
int connect_to(int port, const std::string& request) {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(send(descriptor, request.data(), request.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(request.size()));
  return descriptor;
}

std::string fetch(int port) {
  const int descriptor =
      connect_to(port, "GET /metrics HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  std::string answer;
  std::array<char, 4096> part{};
  for (ssize_t count = 0; (count = read(descriptor, part.data(), part.size())) > 0;)
    answer.append(part.data(), static_cast<size_t>(count));
  close(descriptor);
  return answer;
}

TEST(Exporter, AnswersWithTheMetrics) {
  Metrics metrics({{"run", "a"}, {"rank", "0"}, {"host", "h"}}, true);
  const auto exporter = Exporter::start(metrics, "127.0.0.1", {}, "any");
  ASSERT_TRUE(exporter);
  metrics.add("spcnet_train_steps_total", 7);
  const std::string answer = fetch(exporter->port());
  EXPECT_THAT(answer, HasSubstr("HTTP/1.1 200 OK"));
  EXPECT_THAT(answer, HasSubstr("# TYPE spcnet_train_steps_total counter"));
  EXPECT_THAT(answer, HasSubstr("spcnet_train_steps_total{host=\"h\",rank=\"0\",run=\"a\"} 7"));
  EXPECT_THAT(answer, HasSubstr("process_resident_memory_bytes{"));
}

TEST(Exporter, TakesTheFirstFreePortOfARange) {
  const Metrics metrics({}, true);
  const auto any = Exporter::start(metrics, "127.0.0.1", {}, "any");
  ASSERT_TRUE(any);
  const auto next = Exporter::start(metrics, "127.0.0.1", {any->port(), any->port() + 20}, "any");
  ASSERT_TRUE(next);
  EXPECT_GT(next->port(), any->port());
}

TEST(Exporter, APortThatIsTakenIsAWarning) {
  const Metrics metrics({}, true);
  const auto first = Exporter::start(metrics, "127.0.0.1", {}, "any");
  ASSERT_TRUE(first);
  testing::internal::CaptureStderr();
  EXPECT_FALSE(Exporter::start(metrics, "127.0.0.1", {first->port(), first->port()}, "any"));
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            concat("warning: no metrics: cannot listen at 127.0.0.1:", first->port(),
                   ": Address already in use; training goes on. See metrics.listen and "
                   "metrics.ports\n"));
  testing::internal::CaptureStderr();
  EXPECT_FALSE(Exporter::start(metrics, "192.0.2.1", {}, "any"));
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("Cannot assign requested address"));
}

TEST(Exporter, StrangersGetNoAnswer) {
  const Metrics metrics({}, true);
  const auto exporter = Exporter::start(metrics, "127.0.0.1", {}, "10.0.0.0/8");
  ASSERT_TRUE(exporter);
  EXPECT_EQ(fetch(exporter->port()), "");
}

TEST(Exporter, StopsSoonWithASilentClient) {
  const Metrics metrics({}, true);
  auto exporter = Exporter::start(metrics, "127.0.0.1", {}, "any");
  ASSERT_TRUE(exporter);
  (void)fetch(exporter->port());
  const int silent = connect_to(exporter->port(), "GET /met");
  const Stopwatch watch;
  exporter.reset();
  EXPECT_LT(watch.seconds(), 4);
  close(silent);
}

TEST(Ports, AreAnyOrARange) {
  EXPECT_EQ(to_port_range("any").first, 0);
  EXPECT_EQ(to_port_range("9100").last, 9100);
  EXPECT_EQ(to_port_range("9100-9199").first, 9100);
  EXPECT_EQ(to_port_range("9100-9199").last, 9199);
  for (const char* text : {"", "x", "0", "9100-", "-9100", "9199-9100", "70000", "9100-9199x"})
    EXPECT_THAT(message_of<UsageError>([&] { (void)to_port_range(text); }),
                HasSubstr(concat("metrics.ports = ", text, ", must be any")));
}

}  // namespace
}  // namespace spc
