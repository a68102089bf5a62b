#include "dist/watchdog.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace spc {
namespace {

constexpr double kGoodbyeSeconds = 5;

template <size_t kSize>
void put(std::array<char, kSize>& field, const std::string& text) {
  field.fill('\0');
  std::memcpy(field.data(), text.data(), std::min(text.size(), kSize - 1));
}

}  // namespace

// What travels: one for each rank, as bytes.
struct Watchdog::Beat {
  int64_t number = 0;  // rises with every beat of the rank; 0: nothing is known
  int64_t step = 0;
  double phase_s = 0;
  double compute_s = 0;
  double data_s = 0;
  std::array<char, 64> host{};
  std::array<char, 64> pending{};
  std::array<char, 16> phase{};
};

struct Watchdog::Known {
  Beat beat;
  double arrived_s = 0;
};

Watchdog::Watchdog(Communicator& comm, const Limits& limits,
                   std::function<void(const Watchdog&, const std::string&)> on_trouble)
    : rank_(comm.rank()),
      world_size_(comm.world_size()),
      limits_(limits),
      on_trouble_(std::move(on_trouble)),
      waits_(comm.waits()),
      mailbox_(comm.make_mailbox()),
      known_(static_cast<size_t>(world_size_)) {
  for (int distance = 1; distance < world_size_; distance *= 2)
    partners_.push_back((rank_ + distance) % world_size_);
  Beat& own = known_[static_cast<size_t>(rank_)].beat;
  put(own.host, host_name());
  put(own.phase, "start");
  thread_ = std::thread([this] { run(); });
}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Watchdog::enter(const std::string& phase, int64_t step) {
  const std::lock_guard lock(mutex_);
  Beat& own = known_[static_cast<size_t>(rank_)].beat;
  own.step = step;
  put(own.phase, phase);
  in_phase_.restart();
  moved_ = true;
}

void Watchdog::note_own_times(double compute_s, double data_s) {
  constexpr double kNew = 0.1;  // a moving average over about ten steps
  const std::lock_guard lock(mutex_);
  Beat& own = known_[static_cast<size_t>(rank_)].beat;
  const auto move = [](double& average, double value) {
    average = average == 0 ? value : (1 - kNew) * average + kNew * value;
  };
  move(own.compute_s, compute_s);
  move(own.data_s, data_s);
}

std::vector<Position> Watchdog::positions() const {
  const std::lock_guard lock(mutex_);
  std::vector<Position> ranks;
  for (const Known& known : known_) {
    const Beat& beat = known.beat;
    Position rank;
    rank.host = beat.host.data();
    rank.phase = beat.phase.data();
    rank.step = beat.step;
    rank.pending = beat.pending.data();
    rank.phase_s = beat.phase_s;
    rank.compute_s = beat.compute_s;
    rank.data_s = beat.data_s;
    rank.silent_s = awake_s_ - known.arrived_s;
    rank.heard = beat.number > 0;
    ranks.push_back(std::move(rank));
  }
  return ranks;
}

std::vector<std::string> Watchdog::report() const {
  // News of a living rank is never older than its way through all partners, twice.
  const double silent_after_s = limits_.beat_s * (3 + 2 * static_cast<double>(partners_.size()));
  const std::vector<Position> ranks = positions();
  std::vector<std::string> lines = describe_positions(ranks, silent_after_s);
  const std::string who = suspect(ranks, silent_after_s);
  if (!who.empty()) lines.push_back("suspect: " + who);
  return lines;
}

void Watchdog::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    polite_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Watchdog::run() {
  const auto look_every = std::chrono::duration<double>(limits_.beat_s / 4);
  Stopwatch turn;
  double last_beat_s = 0;
  bool barked = false;
  std::unique_lock lock(mutex_);
  exchange();
  while (!changed_.wait_for(lock, look_every, [&] { return stopping_; })) {
    awake_s_ += std::min(turn.restart(), limits_.beat_s);
    while (const std::optional<std::string> message = mailbox_->take()) merge(*message);
    if (awake_s_ - last_beat_s >= limits_.beat_s) {
      last_beat_s = awake_s_;
      exchange();
    }
    const std::string what = barked ? "" : trouble();
    if (what.empty()) continue;
    barked = true;
    lock.unlock();
    on_trouble_(*this, what);
    lock.lock();
  }
  if (polite_) say_goodbye();
}

// The next three are called with the lock held.

void Watchdog::exchange() {
  Known& own = known_[static_cast<size_t>(rank_)];
  const std::optional<WaitLog::Wait> wait = waits_->longest();
  put(own.beat.pending, wait ? wait->what : "");
  own.beat.phase_s = in_phase_.seconds();
  ++own.beat.number;
  own.arrived_s = awake_s_;
  if (partners_.empty()) return;
  std::string message(known_.size() * sizeof(Beat), '\0');
  for (size_t r = 0; r < known_.size(); ++r)
    std::memcpy(message.data() + r * sizeof(Beat), &known_[r].beat, sizeof(Beat));
  mailbox_->post(partners_[turn_++ % partners_.size()], message);
}

void Watchdog::merge(const std::string& message) {
  if (message.empty()) {
    ++goodbyes_;
    return;
  }
  SPC_ASSERT(message.size() == known_.size() * sizeof(Beat), "a beat of another program");
  for (size_t r = 0; r < known_.size(); ++r) {
    Beat beat;
    std::memcpy(&beat, message.data() + r * sizeof(Beat), sizeof(Beat));
    if (beat.number <= known_[r].beat.number) continue;
    known_[r].beat = beat;
    known_[r].arrived_s = awake_s_;
  }
}

std::string Watchdog::trouble() {
  const int64_t ended = waits_->num_ended();
  if (std::exchange(moved_, false) || std::exchange(ended_waits_, ended) != ended)
    last_progress_s_ = awake_s_;
  if (awake_s_ - last_progress_s_ > limits_.progress_s)
    return concat("no progress for ", limits_.progress_s, " s");
  if (goodbyes_ > 0) return "";  // the run is over for some
  for (size_t r = 0; r < known_.size(); ++r)
    if (awake_s_ - known_[r].arrived_s > limits_.silence_s)
      return concat("rank ", r, " was not heard of for ", limits_.silence_s, " s");
  return "";
}

void Watchdog::say_goodbye() {
  const Stopwatch since;
  std::vector<int> left = partners_;
  while ((!left.empty() || goodbyes_ < partners_.size()) && since.seconds() < kGoodbyeSeconds) {
    while (!left.empty() && mailbox_->post(left.back(), "")) left.pop_back();
    while (const std::optional<std::string> message = mailbox_->take()) merge(*message);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace spc
