#pragma once
#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <variant>

#include "core/config.hpp"
#include "core/http_client.hpp"
#include "core/ports.hpp"
#include "core/signing_key.hpp"

namespace blobvalet {

/// What proves that we may read and change an account's properties.
struct BearerToken {
  SecretBytes text;
};
/// An account SAS with `ss=b`, `srt=s`, and `r` to read or `w` to change; without the `?`. A service SAS or a
/// user delegation SAS is not enough.
struct AccountSas {
  SecretBytes query;
};
using ServiceCredential = std::variant<std::shared_ptr<const SigningKey>, BearerToken, AccountSas>;

/// The properties of one account's blob service ("Get" and "Set Blob Service Properties",
/// learn.microsoft.com). Errors are reasons for operators. Not for use by two threads at once; a request
/// takes 10 seconds at most.
class BlobService {
 public:
  /// A key as credential is an account key. All references outlive it.
  BlobService(const Account& account, ServiceCredential credential, Http& http, const Clock& clock)
      : account_(account), credential_(std::move(credential)), http_(http), clock_(clock) {}

  /// The properties as XML.
  [[nodiscard]] tl::expected<std::string, std::string> properties();
  /// Replaces those that stand in `xml`, and no others.
  [[nodiscard]] tl::expected<void, std::string> set_properties(const std::string& xml);

 private:
  [[nodiscard]] tl::expected<std::string, std::string> send(HttpCall& call, int expected_status);

  const Account& account_;
  ServiceCredential credential_;
  Http& http_;
  const Clock& clock_;
};

}  // namespace blobvalet
