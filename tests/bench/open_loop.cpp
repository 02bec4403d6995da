// An open loop: `open_loop PORT PATH RATE CONNECTIONS SECONDS PAUSE_MS` asks RATE times a second whether or
// not earlier answers came, and counts each answer's time from when its request was due, not from when it
// could be sent. So a server that stalls cannot hide it by slowing its client down, as it can with wrk. PATH
// ends where a number follows, so that names differ. With PAUSE_MS it is silent so long once a second, so
// that kept connections behind nginx go. Prints one line of JSON, times in ms.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Client {
  int fd = -1;
  Clock::time_point due;
  std::string answer;
};

int connect_to(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error("cannot connect");
  }
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

struct Plan {
  int rate;  // requests a second
  int seconds;
  int pause_ms;  // the silent part of each second
};

/// When each request is due, from the start.
std::vector<Clock::duration> make_schedule(const Plan& plan) {
  std::vector<Clock::duration> schedule;
  for (int i = 0; i < plan.rate * plan.seconds; ++i) {
    const Clock::duration at = std::chrono::nanoseconds(std::chrono::seconds(i)) / plan.rate;
    if (at % std::chrono::seconds(1) >= std::chrono::milliseconds(plan.pause_ms)) schedule.push_back(at);
  }
  return schedule;
}

/// Whether all of an answer with a Content-Length is there.
bool is_whole(const std::string& answer) {
  const std::size_t end = answer.find("\r\n\r\n");
  const std::size_t field = answer.find("Content-Length: ");
  if (end == std::string::npos || field > end) return false;
  return answer.size() == end + 4 + std::strtoul(answer.c_str() + field + 16, nullptr, 10);
}

class OpenLoop {
 public:
  OpenLoop(std::uint16_t port, std::string path, std::size_t connections)
      : path_(std::move(path)), clients_(connections) {
    watch(timer_, nullptr);
    for (Client& client : clients_) {
      client.fd = connect_to(port);
      watch(client.fd, &client);
      idle_.push_back(&client);
    }
  }

  void run(const std::vector<Clock::duration>& schedule) {
    const Clock::time_point start = Clock::now();
    std::size_t next = 0;
    while (times_.size() + errors_ < schedule.size()) {
      for (; next < schedule.size() && start + schedule[next] <= Clock::now(); ++next) {
        waiting_.push_back(start + schedule[next]);
      }
      send_what_waits();
      if (next < schedule.size()) set_timer(start + schedule[next]);
      if (!wait_for_events()) break;
    }
    errors_ += schedule.size() - times_.size() - errors_;
  }

  void print() {
    std::sort(times_.begin(), times_.end());
    const auto at = [this](double share) {
      return times_.empty()
                 ? 0
                 : times_[static_cast<std::size_t>(share * static_cast<double>(times_.size() - 1))];
    };
    std::printf("{\"requests\":%zu,\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f,\"errors\":%zu}\n", times_.size(),
                at(0.5), at(0.99), at(1), errors_);
  }

 private:
  void watch(int fd, Client* client) const {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = client;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) throw std::runtime_error("epoll_ctl");
  }

  void send_what_waits() {
    while (!waiting_.empty() && !idle_.empty()) {
      Client& client = *idle_.front();
      idle_.pop_front();
      client.due = waiting_.front();
      waiting_.pop_front();
      const std::string request =
          "GET " + path_ + std::to_string(++sent_) + ".jpg HTTP/1.1\r\nHost: localhost\r\n\r\n";
      if (::send(client.fd, request.data(), request.size(), MSG_NOSIGNAL) < 0) ++errors_;
    }
  }

  void set_timer(Clock::time_point at) const {
    const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(at.time_since_epoch()).count();
    itimerspec spec{};
    spec.it_value.tv_sec = ns / 1'000'000'000;
    spec.it_value.tv_nsec = ns % 1'000'000'000;
    ::timerfd_settime(timer_, TFD_TIMER_ABSTIME, &spec, nullptr);
  }

  /// False if nothing happened for so long that nothing will.
  bool wait_for_events() {
    constexpr int kGiveUpMs = 10'000;
    epoll_event events[64];
    const int count = ::epoll_wait(epoll_, events, 64, kGiveUpMs);
    for (int i = 0; i < count; ++i) {
      if (auto* client = static_cast<Client*>(events[i].data.ptr)) {
        receive(*client);
        continue;
      }
      std::uint64_t expirations = 0;
      if (::read(timer_, &expirations, sizeof expirations) < 0) return false;
    }
    return count > 0;
  }

  void receive(Client& client) {
    char buffer[8192];
    const ssize_t size = ::recv(client.fd, buffer, sizeof buffer, 0);
    if (size <= 0) {
      ++errors_;
      ::close(client.fd);
      return;
    }
    client.answer.append(buffer, static_cast<std::size_t>(size));
    if (!is_whole(client.answer)) return;
    if (client.answer.rfind("HTTP/1.1 200 ", 0) == 0) {
      times_.push_back(std::chrono::duration<double, std::milli>(Clock::now() - client.due).count());
    } else {
      ++errors_;
    }
    client.answer.clear();
    idle_.push_back(&client);
  }

  std::string path_;
  std::vector<Client> clients_;
  int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  int timer_ = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  std::deque<Client*> idle_;
  std::deque<Clock::time_point> waiting_;
  std::vector<double> times_;
  std::size_t sent_ = 0;
  std::size_t errors_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) return 2;
  const auto number = [argv](int i) { return static_cast<int>(std::strtol(argv[i], nullptr, 10)); };
  ::prctl(PR_SET_TIMERSLACK, 1);  // as exact as the kernel can: late wake-ups would count as slow answers
  try {
    OpenLoop loop(static_cast<std::uint16_t>(number(1)), argv[2], static_cast<std::size_t>(number(4)));
    loop.run(make_schedule({number(3), number(5), number(6)}));
    loop.print();
  } catch (const std::exception& error) {
    std::cerr << "open_loop: " << error.what() << '\n';
    return 1;
  }
}
