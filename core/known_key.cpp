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

std::vector<KnownKey> known_keys(const std::vector<Account>& accounts, const std::vector<AccountKeys>& keys) {
  std::vector<KnownKey> all;
  for (std::size_t i = 0; i < accounts.size(); ++i) {
    const Account& account = accounts[i];
    const KeyRole first = account.identity ? KeyRole::user_delegation : KeyRole::current;
    all.push_back({i, first, !account.use_next, keys.at(i).current.get()});
    if (account.next_key) all.push_back({i, KeyRole::next, account.use_next, keys.at(i).next.get()});
  }
  return all;
}

}  // namespace blobvalet
