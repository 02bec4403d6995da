#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/sas_signers.hpp"
#include "tests/unit/support.hpp"

namespace blobvalet::testing {

/// A blob whose upload the policy of a site has granted to `bob`, and what is needed to ask for it.
struct Granted {
  Granted(std::string_view json, std::string uri)
      : site(site_from(json)), blob_uri(std::move(uri)), grant(decide()) {}

  std::shared_ptr<const Site> site;
  std::string blob_uri;
  std::string decoded;
  SasGrant grant;
  SasSigners signers{site->signing_keys()};

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
