#include <stdexcept>

#include "core/site.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;

namespace {

constexpr std::string_view kTwoAccounts = R"({
  "accounts": [
    {"name": "acme", "endpoint": "https://acme", "aliases": ["https://files.example.com"],
     "credential": {"type": "shared_key", "current": {"key_file": "a"}, "next": {"key_file": "b"},
      "use": "next"}},
    {"name": "other", "endpoint": "https://other",
     "credential": {"type": "shared_key", "current": {"key_file": "a"}, "next": {"key_file": "b"}}}
  ],
  "blob_names": "uri",
  "success": {"max_fields": 7, "methods": ["POST", "PUT"]},
  "server": {"threads": 3, "access_log": false},
  "rules": [{"name": "all", "account": "other", "container": "uploads", "blobs": ["**"], "methods": ["PUT"]}]
})";

}  // namespace

BOOST_AUTO_TEST_SUITE(site_tests)

BOOST_AUTO_TEST_CASE(a_site_holds_what_requests_need) {
  const auto site = site_from(kTwoAccounts);
  BOOST_TEST((site->blob_names() == BlobNames::uri));
  BOOST_TEST(site->success().limits.max_fields == 7U);
  BOOST_TEST(site->success().accept_put);
  BOOST_TEST(site->server().threads == 3U);
  BOOST_TEST(!site->server().access_log);

  std::string decoded;
  const auto alias = site->endpoints().parse("https://files.example.com/uploads/a", BlobNames::raw, decoded);
  BOOST_REQUIRE(alias.has_value());
  BOOST_TEST(alias->account == "acme");
  BOOST_TEST(alias->account_index == 0U);
  const auto other = site->endpoints().parse("https://other/uploads/a", BlobNames::raw, decoded);
  BOOST_REQUIRE(other.has_value());
  BOOST_TEST(other->account_index == 1U);
  BOOST_TEST(site->policy().decide(*other, BlobVerb::put, {"bob", "", {}}, UtcSeconds{}).has_value());
  BOOST_TEST(!site->policy().decide(*alias, BlobVerb::put, {"bob", "", {}}, UtcSeconds{}).has_value());
}

BOOST_AUTO_TEST_CASE(the_configuration_says_which_key_signs) {
  const std::vector<AccountKeys> keys{{account_key(), account_key()}, {account_key(), account_key()}};
  const Site site(config_from(kTwoAccounts), keys);
  BOOST_REQUIRE_EQUAL(site.signing_keys().size(), 2U);
  BOOST_TEST(site.signing_keys()[0] == keys[0].next);
  BOOST_TEST(site.signing_keys()[1] == keys[1].current);
}

// Whoever loads keys must have reported these; going on would sign nothing, or with the wrong key.
BOOST_AUTO_TEST_CASE(a_site_without_a_key_that_it_needs_is_never_made) {
  const auto make = [](std::vector<AccountKeys> keys) { Site(config_from(kTwoAccounts), std::move(keys)); };
  BOOST_CHECK_THROW(make({}), std::exception);
  BOOST_CHECK_THROW(make({{account_key(), account_key()}}), std::exception);
  BOOST_CHECK_THROW(make({{account_key(), nullptr}, {account_key(), nullptr}}), std::logic_error);
  BOOST_CHECK_THROW(make({{nullptr, account_key()}, {nullptr, account_key()}}), std::logic_error);
  BOOST_CHECK_NO_THROW(make({{nullptr, account_key()}, {account_key(), nullptr}}));
}

BOOST_AUTO_TEST_CASE(an_endpoint_that_stands_twice_is_never_accepted) {
  Config config = config_from(kTwoAccounts);
  config.accounts[1].endpoints = config.accounts[0].endpoints;
  const std::vector<AccountKeys> keys{{account_key(), account_key()}, {account_key(), account_key()}};
  BOOST_CHECK_THROW(Site(std::move(config), keys), std::logic_error);
}

BOOST_AUTO_TEST_SUITE_END()
