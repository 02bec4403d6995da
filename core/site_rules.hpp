#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include "core/blob_target.hpp"
#include "core/config.hpp"
#include "core/policy.hpp"

namespace blobvalet {

/// What of a configuration decides who may do what. Unlike a Site it needs no key, so that a command may look
/// at a configuration whose keys it cannot read.
class SiteRules {
 public:
  explicit SiteRules(Config config);

  [[nodiscard]] const EndpointTable& endpoints() const { return endpoints_; }
  [[nodiscard]] const Policy& policy() const { return policy_; }
  [[nodiscard]] BlobNames blob_names() const { return blob_names_; }
  [[nodiscard]] const std::vector<Account>& accounts() const { return accounts_; }
  /// The account's place in the configuration; nothing: there is none of this name.
  [[nodiscard]] std::optional<std::size_t> find_account(std::string_view name) const;

 private:
  EndpointTable endpoints_;
  Policy policy_;
  BlobNames blob_names_;
  std::vector<Account> accounts_;
};

}  // namespace blobvalet
