#include "fcgi/key_renewer.hpp"

#include <algorithm>
#include <random>

#include "core/clock_skew.hpp"
#include "fcgi/adapters/curl_http.hpp"
#include "fcgi/adapters/secret_files.hpp"
#include "fcgi/log.hpp"

namespace blobvalet::fcgi {
namespace {

using std::chrono::seconds;

// Also how long it takes at most until a clock that was set is noticed, where nothing tells us.
constexpr seconds kLongestWait{30};
constexpr seconds kClockInterval{60};
// Requests are given up after seconds, a few tries included, also for many accounts in a row.
constexpr seconds kLongestTurn{900};
// While an account does not answer: soon noticed, and soon over.
constexpr seconds kSecondLook{5};

/// The store that the workers read, with a memory of what was logged.
class DirectoryStore final : public DelegationKeyStore {
 public:
  explicit DirectoryStore(const KeyDirectory& directory) : directory_(directory) {}
  [[nodiscard]] std::optional<DelegationKeyText> read(const std::string& account) override {
    std::string fault;
    auto key = directory_.read_key(account, fault);
    if (!fault.empty()) Log::notice("bad_delegation_key", fault);
    return key;
  }
  void write(const std::string& account, const UserDelegationKey& key, const std::string& origin) override {
    directory_.write_key(account, delegation_key_text(key, origin));
  }

 private:
  const KeyDirectory& directory_;
};

double random_fraction() {
  std::random_device device;
  return std::uniform_real_distribution<>(0, 1)(device);
}

}  // namespace

/// One account's renewal, and the connections that it has for itself.
struct KeyRenewer::AccountKeeper {
  AccountKeeper(const Config& config, std::size_t account, const IdentityEnvironment& environment,
                const std::shared_ptr<const SecretBytes>& client_secret, const KeyDirectory& directory,
                const Clock& clock, StopGate& gate)
      : name(config.accounts[account].name),
        curl([&gate] { return gate.is_stopped(); }),
        http(curl, gate),
        timer(gate),
        store(directory),
        renewal(config.accounts[account], environment, longest_sas(config, account),
                TokenSource(*config.accounts[account].identity, environment, client_secret,
                            {http, timer, clock, files}),
                DelegationKeyClient(http, timer, clock), store, clock, random_fraction()) {}

  std::string name;
  CurlHttp curl;
  StoppableHttp http;
  StoppableTimer timer;
  FileSecrets files;
  DirectoryStore store;
  KeyRenewal renewal;
  std::optional<KeyStatus::Failure> failure;  ///< a copy for other threads, guarded by status_mutex_
};

KeyRenewer::KeyRenewer(Config config, const IdentityEnvironment& environment,
                       std::vector<std::shared_ptr<const SecretBytes>> client_secrets, const Clock& clock)
    : config_(std::move(config)), directory_(config_.keys.directory), clock_(clock) {
  directory_.create();
  for (std::size_t i = 0; i < config_.accounts.size(); ++i) {
    if (!config_.accounts[i].identity) continue;
    keepers_.push_back(std::make_unique<AccountKeeper>(config_, i, environment, client_secrets.at(i),
                                                       directory_, clock_, gate_));
  }
  directory_.remove_keys([this](const std::string& account) {
    return std::ranges::any_of(keepers_, [&](const auto& keeper) { return keeper->name == account; });
  });
}

KeyRenewer::~KeyRenewer() {
  gate_.stop();
}

std::vector<KeyStatus::Failure> KeyRenewer::run_once() {
  std::vector<KeyStatus::Failure> failures;
  for (const auto& keeper : keepers_) {
    renew(*keeper);
    if (keeper->failure) failures.push_back(*keeper->failure);
  }
  publish();  // also that nothing fails any more: this process does not know what the one before it said
  return failures;
}

void KeyRenewer::start() {
  rested_.assign(keepers_.size() + 1, std::chrono::steady_clock::now());
  for (std::size_t i = 0; i < keepers_.size(); ++i)
    threads_.emplace_back([this, i] { keep_fresh(i); });
  threads_.emplace_back([this] { watch_azure(); });
}

std::size_t KeyRenewer::failing() const {
  const std::lock_guard lock(status_mutex_);
  return static_cast<std::size_t>(
      std::ranges::count_if(keepers_, [](const auto& keeper) { return keeper->failure.has_value(); }));
}

bool KeyRenewer::stands_still() const {
  const std::lock_guard lock(status_mutex_);
  const auto due = std::chrono::steady_clock::now() - kLongestTurn;
  return std::ranges::any_of(rested_, [&](const auto& rested) { return rested < due; });
}

void KeyRenewer::rest(std::size_t number, seconds duration) {
  {
    const std::lock_guard lock(status_mutex_);
    rested_[number] = std::chrono::steady_clock::now();
  }
  gate_.wait_for(duration);
}

void KeyRenewer::keep_fresh(std::size_t number) {
  AccountKeeper& keeper = *keepers_[number];
  while (!gate_.is_stopped()) {
    const UtcSeconds next = renew(keeper);
    rest(number, std::clamp(next - clock_.now(), seconds(1), kLongestWait));
  }
}

UtcSeconds KeyRenewer::renew(AccountKeeper& keeper) {
  const auto before = keeper.renewal.current() ? keeper.renewal.current()->key.expiry : std::string();
  const UtcSeconds next = keeper.renewal.run();
  if (gate_.is_stopped()) return next;  // what failed then failed because of that
  const auto& current = keeper.renewal.current();
  if (current && current->key.expiry != before)
    Log::notice("key_renewed", keeper.name + ": user delegation key until " + current->key.expiry);
  note(keeper);
  return next;
}

/// Says a failure once, not at each attempt, unless it is another one by now.
void KeyRenewer::note(AccountKeeper& keeper) {
  const auto& failure = keeper.renewal.failure();
  const bool is_news = failure.has_value() != keeper.failure.has_value() ||
                       (failure && failure->reason != keeper.failure->reason);
  {
    const std::lock_guard lock(status_mutex_);
    keeper.failure = failure;
  }
  if (!is_news) return;
  if (failure) Log::notice("key_renewal_failed", keeper.name + ": " + failure->reason);
  publish();
}

/// Whoever has not answered twice in a row cannot be reached: once may be anything.
void KeyRenewer::watch_azure() {
  CurlHttp curl([this] { return gate_.is_stopped(); });
  StoppableHttp http(curl, gate_);
  std::vector<KeyStatus::Failure> before;
  while (!gate_.is_stopped()) {
    auto failures = ask_azure(http);
    if (gate_.is_stopped()) return;
    std::vector<KeyStatus::Failure> again;
    for (KeyStatus::Failure& failure : failures) {
      const auto known = std::ranges::find(before, failure.account, &KeyStatus::Failure::account);
      if (known == before.end()) continue;
      failure.since = std::min(failure.since, known->since);
      again.push_back(failure);
    }
    const bool all_answer = failures.empty();
    before = std::move(failures);
    note_unreachable(std::move(again));
    publish();
    rest(keepers_.size(), all_answer ? kClockInterval : kSecondLook);
  }
}

/// The accounts for which it did not answer; what it says of the time is noted.
std::vector<KeyStatus::Failure> KeyRenewer::ask_azure(Http& http) {
  std::optional<seconds> skew;
  std::vector<KeyStatus::Failure> failures;
  for (const Account& account : config_.accounts) {
    auto answer = ask_account(http, clock_, account.endpoints.front().url(), account.requests.ca_file);
    if (answer.clock_skew && (!skew || std::chrono::abs(*answer.clock_skew) > std::chrono::abs(*skew)))
      skew = answer.clock_skew;
    if (!answer.failure.empty()) failures.push_back({account.name, std::move(answer.failure), clock_.now()});
  }
  const std::lock_guard lock(status_mutex_);
  if (skew && !gate_.is_stopped()) clock_skew_ = skew;
  return failures;
}

void KeyRenewer::note_unreachable(std::vector<KeyStatus::Failure> failures) {
  const std::lock_guard lock(status_mutex_);
  const auto before =
      std::exchange(unreachable_, std::move(failures)).value_or(std::vector<KeyStatus::Failure>());
  const auto news = [](const char* event, const auto& these, const auto& those) {
    for (const KeyStatus::Failure& failure : these) {
      if (std::ranges::find(those, failure.account, &KeyStatus::Failure::account) == those.end())
        Log::notice(event, failure.account + ": " + failure.reason);
    }
  };
  news("azure_unreachable", *unreachable_, before);
  news("azure_reachable", before, *unreachable_);
}

void KeyRenewer::publish() {
  const std::lock_guard lock(status_mutex_);
  KeyStatus status;
  status.written = clock_.now();
  status.clock_skew = clock_skew_;
  status.unreachable = unreachable_;
  for (const auto& keeper : keepers_) {
    if (keeper->failure) status.failures.push_back(*keeper->failure);
  }
  try {
    directory_.write_status(status);
  } catch (const std::exception& error) {
    Log::notice("status_not_written", error.what());
  }
}

}  // namespace blobvalet::fcgi
