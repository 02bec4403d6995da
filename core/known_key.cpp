#include "core/known_key.hpp"

namespace blobvalet {

std::string_view name_of(KeyRole role) {
  return role == KeyRole::user_delegation ? "user delegation" : code_of(role);
}

std::string_view code_of(KeyRole role) {
  switch (role) {
    case KeyRole::current: return "current";
    case KeyRole::next: return "next";
    case KeyRole::user_delegation: return "user_delegation";
  }
  return "";
}

namespace {

std::optional<UtcSeconds> since(const SigningKey* key, std::optional<UtcSeconds> changed) {
  const auto* delegation = key == nullptr ? nullptr : std::get_if<UserDelegationKey>(key);
  return delegation == nullptr ? changed : delegation->not_before;
}

}  // namespace

std::vector<KnownKey> known_keys(const std::vector<Account>& accounts, const std::vector<AccountKeys>& keys) {
  std::vector<KnownKey> all;
  for (std::size_t i = 0; i < accounts.size(); ++i) {
    const Account& account = accounts[i];
    const KeyRole first = account.identity ? KeyRole::user_delegation : KeyRole::current;
    const AccountKeys& own = keys.at(i);
    const SigningKey* current = own.current.get();
    all.push_back({i, first, !account.use_next, current, since(current, own.current_changed)});
    if (account.next_key)
      all.push_back({i, KeyRole::next, account.use_next, own.next.get(), own.next_changed});
  }
  return all;
}

}  // namespace blobvalet
