#include "core/key_renewal.hpp"

#include <algorithm>
#include <cmath>
#include <exception>

#include "core/sha256.hpp"

namespace blobvalet {
namespace {

using std::chrono::seconds;

// Clocks differ, and a key that is not valid yet signs nothing ("Start in the past", azure storage
// documents).
constexpr std::chrono::minutes kBackdate{15};
constexpr std::chrono::hours kMargin{1};
constexpr seconds kLongestRetry{300};

/// Tells whether a stored key comes from the identity that is configured now.
std::string origin_of(const Account& account, const IdentityEnvironment& environment) {
  const IdentityOptions& identity = *account.identity;
  std::string text = account.endpoints.front().url();
  for (const auto number : {static_cast<int>(identity.kind), static_cast<int>(identity.id_kind)})
    text.append("\n").append(std::to_string(number));
  for (const std::string* part :
       {&identity.id, &identity.tenant_id, &identity.client_id, &identity.authority_host})
    text.append("\n").append(*part);
  if (identity.kind == IdentityOptions::Kind::managed_identity) return sha256_hex(text);
  for (const std::string* part :
       {&environment.tenant_id, &environment.client_id, &environment.authority_host})
    text.append("\n").append(*part);
  return sha256_hex(text);
}

/// 5 s, 10 s, 20 s and so on up to five minutes, less up to a quarter.
seconds wait_after(const IdentityFailure& failure, unsigned failures, double jitter) {
  const auto doubled = seconds(5) * (1 << std::min(failures, 6U));
  const seconds longest = failure.is_final ? kLongestRetry : std::min<seconds>(doubled, kLongestRetry);
  const auto wait = seconds(std::lround(static_cast<double>(longest.count()) * (1 - jitter / 4)));
  return std::clamp(failure.retry_after, std::max(wait, seconds(1)), seconds(3600));
}

}  // namespace

UtcSeconds renewal_time(UtcSeconds fetched, UtcSeconds expiry, seconds longest_sas, double jitter) {
  const auto life = static_cast<double>((expiry - fetched).count());
  const UtcSeconds usual = fetched + seconds(std::lround(life * (0.5 + jitter / 10)));
  const UtcSeconds latest = expiry - longest_sas - kMargin;
  return latest > fetched ? std::min(usual, latest) : usual;
}

seconds longest_sas(const Config& config, std::size_t account) {
  seconds longest{0};
  for (const Rule& rule : config.rules) {
    if (rule.account_index != account) continue;
    if (!rule.put_permissions.text().empty()) longest = std::max(longest, rule.sas.put_lifetime);
    if (!rule.delete_permissions.text().empty()) longest = std::max(longest, rule.sas.delete_lifetime);
    if (rule.thumbnail.kind == ThumbnailOptions::Kind::read_sas)
      longest = std::max(longest, rule.thumbnail.lifetime);
  }
  return longest;
}

KeyRenewal::KeyRenewal(const Account& account, const IdentityEnvironment& environment, seconds longest_sas,
                       TokenSource tokens, DelegationKeyClient client, DelegationKeyStore& store,
                       const Clock& clock, double jitter)
    : account_(account.name),
      url_(account.endpoints.front().url()),
      ca_file_(account.requests.ca_file),
      origin_(origin_of(account, environment)),
      lifetime_(account.identity->key_lifetime),
      longest_sas_(longest_sas),
      tokens_(std::move(tokens)),
      client_(client),
      store_(store),
      clock_(clock),
      jitter_(jitter),
      current_(store.read(account_)) {}

UtcSeconds KeyRenewal::run() {
  const UtcSeconds now = clock_.now();
  if (is_due(now)) {
    if (auto key = fetch(now)) {
      succeed(std::move(*key));
    } else {
      fail(key.error());
    }
  }
  const UtcSeconds later = clock_.now() + seconds(1);
  if (failure_) return std::max(retry_at_, later);
  const UserDelegationKey& key = current_->key;
  return std::max(renewal_time(key.not_before + kBackdate, key.not_after, longest_sas_, jitter_), later);
}

bool KeyRenewal::is_due(UtcSeconds now) const {
  // A clock that was set back must not make us wait for the time it showed.
  if (failure_) return now >= retry_at_ || now < failed_at_;
  if (!current_ || current_->origin != origin_) return true;
  const UserDelegationKey& key = current_->key;
  return now < key.not_before ||
         now >= renewal_time(key.not_before + kBackdate, key.not_after, longest_sas_, jitter_);
}

tl::expected<UserDelegationKey, IdentityFailure> KeyRenewal::fetch(UtcSeconds now) {
  const TimeSpan wanted{now - kBackdate, now + lifetime_};
  // A token may have been revoked while it was kept: with a new one, once more.
  for (bool again : {true, false}) {
    const auto token = tokens_.token();
    if (!token) return tl::unexpected(token.error());
    auto fetched = client_.fetch(url_, ca_file_, **token, wanted);
    if (fetched) return std::move(fetched->key);
    if (!fetched.error().is_unauthorized || !again) return tl::unexpected(fetched.error());
    tokens_.forget();
  }
  return tl::unexpected(IdentityFailure{});
}

void KeyRenewal::succeed(UserDelegationKey key) {
  try {
    store_.write(account_, key, origin_);
  } catch (const std::exception& error) {
    return fail({error.what()});
  }
  current_ = DelegationKeyText{std::move(key), origin_};
  failure_.reset();
  failures_ = 0;
}

/// Fetching may have taken minutes, so the wait begins when it has ended.
void KeyRenewal::fail(const IdentityFailure& failure) {
  const UtcSeconds now = clock_.now();
  const UtcSeconds since = failure_ ? std::min(failure_->since, now) : now;
  failure_ = KeyStatus::Failure{account_, failure.reason, since};
  failed_at_ = now;
  retry_at_ = now + wait_after(failure, failures_++, jitter_);
}

}  // namespace blobvalet
