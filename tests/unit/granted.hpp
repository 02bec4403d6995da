#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/sas_signer.hpp"
#include "tests/unit/support.hpp"

namespace blobvalet::testing {

/// A blob whose upload the policy of a site has granted to `bob`, and what is needed to ask for it.
struct Granted {
  Granted(std::string_view json, std::string uri)
      : site(site_from(json)), blob_uri(std::move(uri)), grant(decide()) {
    for (const auto& key : site->signing_keys())
      signers.emplace_back(key);
  }

  std::shared_ptr<const Site> site;
  std::string blob_uri;
  std::string decoded;
  SasGrant grant;
  std::vector<SasSigner> signers;

 private:
  SasGrant decide() {
    const auto target = site->endpoints().parse(blob_uri, BlobNames::raw, decoded);
    BOOST_REQUIRE_MESSAGE(target.has_value(), blob_uri << ": " << show(target));
    auto decided =
        site->policy().decide(*target, BlobVerb::put, {"bob", "203.0.113.7", {}}, at("2026-03-01T12:00:00Z"));
    BOOST_REQUIRE_MESSAGE(decided.has_value(), blob_uri << ": " << show(decided));
    return *decided;
  }
};

}  // namespace blobvalet::testing
