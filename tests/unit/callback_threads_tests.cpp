#include <poll.h>

#include "fcgi/callback_threads.hpp"
#include "fcgi/site_callbacks.hpp"
#include "tests/unit/blocking_clock.hpp"
#include "tests/unit/fcgi_peer.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::fcgi;
using namespace blobvalet::testing;

namespace {

constexpr std::string_view kSite = R"({
  "accounts": [{ "name": "acme", "endpoint": "https://acme.blob.core.windows.net",
                 "credential": { "type": "shared_key", "key_file": "acme.key" } }],
  "rules": [{ "name": "all", "account": "acme", "container": "uploads", "blobs": ["**"], "methods": ["PUT"], "anonymous": true }],
  "success": { "verify": { "enabled": false } }
})";
constexpr std::string_view kForm =
    "blob=a&uuid=0b6b7f3e-1c5e-4a9e-9d0b-8f1f2b3c4d5e&name=a&container=https://acme.blob.core.windows.net/"
    "uploads";
constexpr std::size_t kQueueLength = 256;

/// A callback that has arrived, and whoever sent it.
struct Callback {
  Callback(std::shared_ptr<const Site> site, bool keep) {
    peer.send(whole_request({{"BLOBVALET_ENDPOINT", "success"},
                             {"REQUEST_METHOD", "POST"},
                             {"CONTENT_TYPE", "application/x-www-form-urlencoded"}},
                            kForm, keep));
    job.connection = std::make_unique<Connection>(peer.take_other_end());
    BOOST_REQUIRE(job.connection->read_params() != nullptr);
    job.connection->read_body();
    job.site = std::move(site);
  }
  Peer peer;
  CallbackJob job;
};

struct Threads {
  explicit Threads(unsigned count) : threads(std::in_place, count, clock, log, mailbox, &service) {}
  ~Threads() { clock.release(); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;
  Threads(Threads&&) = delete;
  Threads& operator=(Threads&&) = delete;

  /// Makes a callback and submits it, which has to succeed.
  Callback& submit(bool keep = true) {
    callbacks.push_back(std::make_unique<Callback>(site, keep));
    BOOST_REQUIRE(threads->submit(callbacks.back()->job));
    return *callbacks.back();
  }
  /// What comes back, until it is `count` connections or too late.
  std::vector<std::unique_ptr<Connection>> take(std::size_t count) {
    std::vector<std::unique_ptr<Connection>> taken;
    pollfd mail{mailbox.fd(), POLLIN, 0};
    while (taken.size() < count && ::poll(&mail, 1, 10000) == 1) {
      for (auto& connection : mailbox.take())
        taken.push_back(std::move(connection));
    }
    return taken;
  }

  std::shared_ptr<const Site> site = site_from(kSite);
  BlockingClock clock;
  Log log{{.access_log = false, .audit_log = false}};
  Mailbox mailbox;
  SiteCallbacks service{clock};
  std::vector<std::unique_ptr<Callback>> callbacks;
  std::optional<CallbackThreads> threads;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(callback_threads_tests)

BOOST_AUTO_TEST_CASE(a_callback_is_answered_and_comes_back) {
  Threads threads(1);
  threads.clock.release();
  Callback& callback = threads.submit();
  const Answer answer = callback.peer.receive_answer();
  BOOST_TEST(answer.text.starts_with("Status: 200 OK\r\n"));
  BOOST_TEST(answer.complete);
  const auto taken = threads.take(1);
  BOOST_REQUIRE_EQUAL(taken.size(), 1U);
  BOOST_TEST(taken[0]->is_open());
  BOOST_TEST(threads.threads->pending() == 0U);
}

BOOST_AUTO_TEST_CASE(a_connection_not_to_be_kept_comes_back_closed) {
  Threads threads(1);
  threads.clock.release();
  Callback& callback = threads.submit(false);
  BOOST_TEST(callback.peer.receive_answer().complete);
  BOOST_TEST(callback.peer.receive_end());
  const auto taken = threads.take(1);
  BOOST_REQUIRE_EQUAL(taken.size(), 1U);
  BOOST_TEST(!taken[0]->is_open());
}

BOOST_AUTO_TEST_CASE(they_stand_still_when_all_are_busy_for_longer_than_a_callback_can_take) {
  using namespace std::chrono_literals;
  const auto now = [] { return std::chrono::steady_clock::now(); };
  Threads threads(2);
  BOOST_TEST(!threads.threads->stand_still(now() + 1h), "nothing to do");
  (void)threads.submit();
  BOOST_REQUIRE(threads.clock.wait_for(1));
  BOOST_TEST(!threads.threads->stand_still(now() + 1h), "there may be another thread");
  (void)threads.submit();
  BOOST_REQUIRE(threads.clock.wait_for(2));
  BOOST_TEST(!threads.threads->stand_still(now() + 140s));
  BOOST_TEST(threads.threads->stand_still(now() + 151s));
  threads.clock.release();
  (void)threads.take(2);
  BOOST_TEST(!threads.threads->stand_still(now() + 140s));
}

BOOST_AUTO_TEST_CASE(a_full_queue_refuses_and_leaves_the_job_as_it_is) {
  Threads threads(1);
  threads.submit();
  BOOST_REQUIRE(threads.clock.wait_for(1));  // so the thread has taken the first one off the queue
  for (std::size_t i = 0; i < kQueueLength; ++i)
    threads.submit();
  BOOST_TEST(threads.threads->pending() == kQueueLength + 1);

  Callback one_too_many(threads.site, true);
  BOOST_TEST(!threads.threads->submit(one_too_many.job));
  BOOST_TEST(one_too_many.job.connection != nullptr);
  BOOST_TEST(one_too_many.job.site != nullptr);
  BOOST_TEST(one_too_many.job.connection->request().body == kForm);
  BOOST_TEST(threads.threads->pending() == kQueueLength + 1);

  threads.clock.release();
  BOOST_TEST(threads.take(kQueueLength + 1).size() == kQueueLength + 1);
  BOOST_TEST(threads.threads->pending() == 0U);
  for (const auto& callback : threads.callbacks)
    BOOST_TEST(callback->peer.receive_answer().text.starts_with("Status: 200 OK\r\n"));
  BOOST_TEST(threads.threads->submit(one_too_many.job), "there is room again");
}

BOOST_AUTO_TEST_CASE(those_that_wait_too_long_are_given_back) {
  Threads threads(1);
  BOOST_TEST(!threads.threads->next_late());
  threads.submit();
  BOOST_REQUIRE(threads.clock.wait_for(1));  // it has a thread, and may take as long as it likes
  BOOST_TEST(!threads.threads->next_late());
  threads.submit();
  const auto first_late = threads.threads->next_late();
  BOOST_REQUIRE(first_late);
  threads.submit();

  BOOST_TEST(threads.threads->take_late(*first_late - std::chrono::nanoseconds(1)).empty());
  BOOST_TEST(threads.threads->pending() == 3U);
  const auto late = threads.threads->take_late(*first_late + std::chrono::seconds(1));
  BOOST_REQUIRE_EQUAL(late.size(), 2U);
  for (const CallbackJob& job : late) {
    BOOST_TEST(job.connection->is_open());
    BOOST_TEST(job.connection->request().body == kForm);
  }
  BOOST_TEST(threads.threads->pending() == 1U);
  BOOST_TEST(!threads.threads->next_late());
}

BOOST_AUTO_TEST_CASE(as_many_callbacks_run_at_once_as_there_are_threads) {
  Threads threads(4);
  for (int i = 0; i < 10; ++i)
    threads.submit();
  BOOST_TEST(threads.clock.wait_for(4));
  threads.clock.release();
  BOOST_TEST(threads.take(10).size() == 10U);
}

BOOST_AUTO_TEST_CASE(what_is_queued_is_answered_before_the_threads_end) {
  Threads threads(2);
  for (int i = 0; i < 50; ++i)
    threads.submit();
  BOOST_REQUIRE(threads.clock.wait_for(2));
  threads.clock.release();
  threads.threads.reset();
  BOOST_TEST(threads.mailbox.take().size() == 50U);
  for (const auto& callback : threads.callbacks)
    BOOST_TEST(callback->peer.receive_answer().complete);
}

BOOST_AUTO_TEST_CASE(each_callback_is_answered_by_the_site_of_its_time) {
  Threads threads(1);
  threads.clock.release();
  std::string other(kSite);
  other.replace(other.find("\"uploads\""), 9, "\"elsewhere\"");
  const auto changed = site_from(other);
  const auto original = threads.site;
  for (int round = 0; round < 4; ++round) {
    threads.site = round % 2 == 0 ? original : changed;
    const std::string text = threads.submit().peer.receive_answer().text;
    BOOST_TEST(text.starts_with(round % 2 == 0 ? "Status: 200" : "Status: 403"));
  }
}

BOOST_AUTO_TEST_SUITE_END()
